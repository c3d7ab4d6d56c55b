// Checked by tools/scripts with `tsc --strict`: names, parameters and answers are those of both OpenAPI documents.
import { Chairside, ChairsideError, type Appointment } from "../../../clients/js/chairside.js";
import { useLiveAppointments } from "../../../clients/js/react.js";

export async function bookSoonest(clinic: Chairside, service: number): Promise<Appointment | null> {
  const { slots } = await clinic.call("GET /slots/soonest", { query: { service, part_of_day: "morning" } });
  const slot = slots[0];
  if (slot === undefined) return null;
  try {
    const held = await clinic.hold({ start: slot.start, service });
    return await held.book({ request_note: "A toothache since Monday" });
  } catch (problem) {
    if (problem instanceof ChairsideError && problem.code === "slot_taken") return null;
    throw problem;
  }
}

export async function readersOf(clinic: Chairside): Promise<number> {
  const { results } = await clinic.callStream("GET /sse/connections");
  return results.length;
}

export function countOf(clinic: Chairside): string {
  const { rows, state } = useLiveAppointments(clinic);
  return `${rows.filter((row) => row.status === "pending").length} ${state}`;
}

export async function mistakes(clinic: Chairside): Promise<void> {
  // @ts-expect-error There is no such operation.
  await clinic.call("GET /appointment");
  // @ts-expect-error A path needs its parts.
  await clinic.call("GET /appointments/{appointment_id}");
  // @ts-expect-error A parameter that is not known.
  await clinic.call("GET /slots/soonest", { query: { services: 5 } });
  // @ts-expect-error A body of another type.
  await clinic.call("POST /appointments", { body: { patient: "Paula" } });
}
