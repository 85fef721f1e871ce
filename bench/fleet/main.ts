import type { Scene } from '../scene.ts';
import type { Row } from '../table.ts';
import { benchAudience } from './audience.ts';
import { benchChurn } from './churn.ts';
import { benchDelivery } from './delivery.ts';
import { benchRefresher } from './refresher.ts';

/** Many nodes on a real etcd of this machine. */
export async function benchFleet(scene: Scene): Promise<Row[]> {
  return [...await benchDelivery(scene, 1000), ...await benchDelivery(scene, 5000), ...await benchAudience(scene), ...await benchRefresher(scene), ...await benchChurn(scene)];
}
