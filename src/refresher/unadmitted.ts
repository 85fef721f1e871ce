import type { ReportRefresherEvent } from './events.ts';
import type { Fleet } from './fleet.ts';

/** Tells of nodes that are sealed nothing, once each. */
export interface Unadmitted {
  tell(fleet: Fleet, names: Iterable<string>): void;
  /** Of all that are known, few by name. */
  tellAll(fleet: Fleet): void;
}

/** Names that are told after everything was read. */
const NAMES_TOLD = 20;

export function openUnadmitted(report: ReportRefresherEvent): Unadmitted {
  const told = new Set<string>();
  const damaged = new Set<string>();

  function tell(fleet: Fleet, names: Iterable<string>): void {
    for (const node of names) {
      const error = fleet.damageOf(node);
      if (error === undefined) damaged.delete(node);
      else if (!damaged.has(node)) {
        damaged.add(node);
        report({ type: 'node-damaged', node, error });
      }
      if (!fleet.isUnadmitted(node)) told.delete(node);
      else if (!told.has(node)) {
        told.add(node);
        report({ type: 'node-unadmitted', node });
      }
    }
  }

  return {
    tell,
    tellAll(fleet) {
      const names = fleet.unadmittedNames().filter((name) => !told.has(name));
      tell(fleet, names.slice(0, NAMES_TOLD));
      for (const name of names) told.add(name);
      if (names.length > NAMES_TOLD) report({ type: 'warned', text: `${String(names.length - NAMES_TOLD)} more nodes of the inventory are not admitted: "vault node list" shows them, and "vault node approve" admits one.` });
    },
  };
}
