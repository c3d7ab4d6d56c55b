// Made from fastapi-sse/openapi.json by tools/client_types.py: `make schema`.

export interface StreamSchemas {
  "Alive": { "status": "ok" };
  "Appointment": { "id": number; "clinic": number; "patient": number; "patient_name": string; "patient_email": string; "patient_phone": string; "patient_phone_extension": string; "patient_alert"?: string; "practitioner": number; "practitioner_name": string; "dentist": number; "dentist_name": string; "service": (null) | (number); "service_name": (null) | (string); "service_color": (null) | (string); "start": string; "end": string; "date": string; "time": string; "status": "pending" | "confirmed" | "checked_in" | "completed" | "cancelled" | "rejected" | "no_show"; "attendance_confirmed_at": (null) | (string); "checked_in_at": (null) | (string); "arrived_at": (null) | (string); "called_at": (null) | (string); "requested_start": (null) | (string); "room": string; "reference": string; "request_note": string; "notes"?: string; "cancel_reason": string; "source": string; "series": (null) | (number); "allow_overlap": boolean; "version": number; "created_at": string; "updated_at": string };
  "AppointmentChange": { "upserts": Array<StreamSchemas["Appointment"]>; "removes": Array<number>; "seq": number };
  "AppointmentSnapshot": { "appointments": Array<StreamSchemas["Appointment"]>; "more_pending"?: number; "seq": number; "as_of": string };
  "AvailabilitySnapshot": { "practitioner": number; "from": string; "to": string; "taken": Array<StreamSchemas["TakenInterval"]>; "seq": number; "as_of": string };
  "Cache": { "clinics": number; "topics": number; "rows": number; "inboxes": number };
  "ClinicAvailabilityChange": { "clinic": number; "service": (null) | (number); "from": string; "to": string; "practitioners": Array<number>; "schedule_version": number; "seq": number; "upserts": Array<StreamSchemas["TakenDay"]>; "removes": Array<string> };
  "ClinicAvailabilitySnapshot": { "clinic": number; "service": (null) | (number); "from": string; "to": string; "practitioners": Array<number>; "schedule_version": number; "seq": number; "days": Array<StreamSchemas["TakenDay"]>; "as_of": string };
  "ClockHealth": { "skew_seconds": number; "off": boolean };
  "Connection": { "id": string; "user_id": (null) | (number); "name": (null) | (string); "role": (null) | (string); "stream": string; "mode": "snapshot" | "delta"; "opened_at": string; "expires_at": (null) | (string); "last_id": (null) | (string); "lag_seconds": number };
  "ConnectionList": { "count": number; "next": null; "previous": null; "results": Array<StreamSchemas["Connection"]> };
  "ControlEvent": { "detail": string };
  "ErrorAnswer": { "type": "validation_error" | "client_error" | "server_error"; "errors": Array<StreamSchemas["ErrorDetail"]> };
  "ErrorDetail": { "code": string; "detail": string; "attr": (null) | (string) };
  "Health": { "status": "ok" | "degraded" | "unavailable"; "service": string; "version": string; "database": string; "cache": StreamSchemas["Cache"]; "connections": number; "pulse_age_seconds": (null) | (number); "stale": StreamSchemas["Staleness"]; "clock": StreamSchemas["ClockHealth"]; "head_lag_seconds"?: (null) | (number) };
  "Heartbeat": { "seq": number };
  "Hold": { "id": number; "practitioner": number; "start": string; "end": string; "blocked_from": string; "blocked_until": string; "expires_at": string };
  "HoldChange": { "upserts": Array<StreamSchemas["Hold"]>; "removes": Array<number>; "schedule_version": number; "seq": number };
  "HoldSnapshot": { "holds": Array<StreamSchemas["Hold"]>; "schedule_version": number; "seq": number; "as_of": string };
  "Notification": { "id": number; "kind": string; "title": string; "body": string; "appointment": (null) | (number); "created_at": string; "read_at": (null) | (string) };
  "NotificationChange": { "upserts": Array<StreamSchemas["Notification"]>; "removes": Array<number>; "unread_count": number; "seq": number };
  "NotificationSnapshot": { "notifications": Array<StreamSchemas["Notification"]>; "unread_count": number; "seq": number; "as_of": string };
  "Place": { "ahead": (null) | (number); "number": (null) | (number); "seq": number; "as_of": string };
  "Readiness": { "status": "ok" | "unavailable" | "stopping"; "service": string; "version": string; "database": string; "stale_clinics": number };
  "Renewal": { "id": string; "expires_at": string; "expires_in": number };
  "Staleness": { "service": boolean; "clinics": number; "since": (null) | (string); "causes": Record<string, number> };
  "TakenDay": { "id": string; "practitioner": number; "date": string; "taken": Array<StreamSchemas["TakenInterval"]> };
  "TakenInterval": { "start": string; "end": string };
  "TeamVisit": { "id": number; "patient_name": string; "practitioner": number; "practitioner_name": string; "service_name": (null) | (string); "service_color": (null) | (string); "start": string; "end": string; "status": "pending" | "confirmed" | "checked_in" | "completed" | "cancelled" | "rejected" | "no_show"; "arrived_at": (null) | (string); "checked_in_at": (null) | (string); "called_at": (null) | (string); "room": string };
  "TokenExpiring": { "expires_in": number; "connection": string; "renew": string };
  "ViewerShown": { "user_id": number; "role": string; "clinic_id": (null) | (number); "practitioner_id": (null) | (number); "patient_id": (null) | (number); "expires_at": number };
  "VisitByLink": { "id": number; "clinic": number; "practitioner": number; "practitioner_name": string; "service": (null) | (number); "service_name": (null) | (string); "service_color": (null) | (string); "start": string; "end": string; "date": string; "time": string; "status": "pending" | "confirmed" | "checked_in" | "completed" | "cancelled" | "rejected" | "no_show"; "attendance_confirmed_at": (null) | (string); "checked_in_at": (null) | (string); "arrived_at": (null) | (string); "called_at": (null) | (string); "requested_start": (null) | (string); "room": string; "request_note": string; "version": number };
  "VisitSnapshot": { "ahead": (null) | (number); "number": (null) | (number); "seq": number; "as_of": string; "appointments": Array<StreamSchemas["VisitByLink"]> };
  "WaitingVisit": { "id": number; "name": (null) | (string); "number": (null) | (number); "waiting_since": string; "called_at": (null) | (string); "room": string };
  "WallChange": { "kind": "team" | "waiting_room"; "date": string; "upserts": (Array<StreamSchemas["TeamVisit"]>) | (Array<StreamSchemas["WaitingVisit"]>); "removes": Array<number>; "seq": number };
  "WallSnapshot": { "kind": "team" | "waiting_room"; "date": string; "visits": (Array<StreamSchemas["TeamVisit"]>) | (Array<StreamSchemas["WaitingVisit"]>); "seq": number; "as_of": string };
}

export interface StreamOperations {
  /** The viewer a token makes */
  "GET /auth/test": { given: object; answer: StreamSchemas["ViewerShown"] };
  /** How the service is */
  "GET /health": { given: object; answer: StreamSchemas["Health"] };
  /** Stream appointments */
  "GET /sse/appointments": { given: { query?: { "mode"?: string; "from"?: string; "to"?: string; "practitioner"?: string; "status"?: string; "last_event_id"?: string; "ticket"?: string } }; answer: null };
  /** Stream the taken time of a practitioner, a clinic or a service */
  "GET /sse/availability": { given: { query?: { "practitioner"?: string; "clinic"?: string; "service"?: string; "mode"?: string; "from"?: string; "to"?: string; "last_event_id"?: string } }; answer: null };
  /** Who is connected to the clinic's streams */
  "GET /sse/connections": { given: object; answer: StreamSchemas["ConnectionList"] };
  /** End a stream of the clinic */
  "DELETE /sse/connections/{connection_id}": { given: { path: { "connection_id": string } }; answer: null };
  /** Extend an open stream with a new token */
  "POST /sse/connections/{connection_id}/renew": { given: { path: { "connection_id": string } }; answer: StreamSchemas["Renewal"] };
  /** Stream the clinic's holds */
  "GET /sse/holds": { given: { query?: { "mode"?: string; "last_event_id"?: string; "ticket"?: string } }; answer: null };
  /** Stream own notifications */
  "GET /sse/notifications": { given: { query?: { "mode"?: string; "last_event_id"?: string; "ticket"?: string } }; answer: null };
  /** Stream how many are before one visit */
  "GET /sse/queue": { given: { query?: { "mode"?: string; "last_event_id"?: string; "ticket"?: string } }; answer: null };
  /** Stream one visit by its reference */
  "GET /sse/visit": { given: { query?: { "mode"?: string; "last_event_id"?: string; "ticket"?: string } }; answer: null };
  /** Stream today to a wall */
  "GET /sse/wall": { given: { query?: { "mode"?: string; "last_event_id"?: string; "ticket"?: string } }; answer: null };
}
