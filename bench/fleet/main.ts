import type { Scene } from '../scene.ts';
import type { Row } from '../table.ts';
import { benchAudience } from './audience.ts';

/** Many nodes on a real etcd of this machine. */
export async function benchFleet(scene: Scene): Promise<Row[]> {
  return [...await benchAudience(scene)];
}
