// Made from django-rest/openapi.yaml by tools/client_types.py: `make schema`.

export interface RestSchemas {
  "AbsenceInputRequest": { "start_date": string; "end_date"?: string; "start"?: string | null; "end"?: string | null; "reason"?: string };
  "AbsenceOutput": { "id": number; "practitioner": number; "practitioner_name": string; "start_date": string; "end_date": string; "start": string | null; "end": string | null; "reason": string; "state": (RestSchemas["AbsenceStateEnum"]); "answer": string; "requested_at": string; "decided_at": string | null; "decided_by_name"?: string | null; "exception": number | null; "version": number; "conflicts": Array<RestSchemas["AbsenceVisitOutput"]> };
  "AbsenceStateEnum": "requested" | "approved" | "declined" | "withdrawn";
  "AbsenceVisitOutput": { "id": number; "patient": number; "patient_name": string; "practitioner": number; "practitioner_name": string; "start": string; "end": string; "status": string };
  "AccountInputRequest": { "email": string; "password": string; "phone"?: string; "phone_extension"?: (string) };
  "ActionInputRequest": { "reason"?: string; "version"?: number };
  "ActionsEnum": "attend" | "move" | "cancel" | "arrive";
  "ActorKindEnum": "user" | "guest" | "patient_sms" | "system" | "waitlist" | "admin";
  "Alive": { "status": string };
  "AnswersOutput": { "received": number; "answered": number; "expired": number; "withdrawn": number; "waiting": number; "median_minutes": number | null; "ninety_percent_minutes": number | null };
  "AnySlotOutput": { "start": string; "end": string; "date": string; "time": string; "practitioners": Array<number> };
  "AnySlotsOutput": { "service": number | null; "slots": Array<RestSchemas["AnySlotOutput"]> };
  "AppointmentDetailOutput": { "id": number; "clinic": number; "patient": number; "patient_name": string; "patient_email": string; "patient_phone": string; "patient_phone_extension": string; "patient_alert"?: string; "practitioner": number; "practitioner_name": string; "dentist": number; "dentist_name": string; "service": number | null; "service_name": string | null; "service_color": string | null; "start": string; "end": string; "date": string; "time": string; "status": (RestSchemas["StatusEnum"]); "attendance_confirmed_at": string | null; "checked_in_at": string | null; "arrived_at": string | null; "called_at": string | null; "requested_start": string | null; "room": string; "reference": string; "request_note": string; "notes"?: string; "cancel_reason": string; "source": (RestSchemas["SourceEnum"]); "series": number | null; "allow_overlap": boolean; "version": number; "created_at": string; "updated_at": string; "undo_until"?: string | null };
  "AppointmentEditInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "patient"?: number; "service"?: number | null; "notes"?: string; "outside_hours"?: boolean; "allow_overlap"?: boolean; "status"?: string; "reason"?: string; "version"?: number };
  "AppointmentEventOutput": { "id": number; "appointment": number; "patient": number | null; "patient_name": string | null; "practitioner": number | null; "practitioner_name": string | null; "service": number | null; "service_name": string | null; "action": string; "from_status"?: string; "to_status"?: string; "from_start": string | null; "to_start": string | null; "actor": number | null; "actor_name"?: string; "actor_kind": (RestSchemas["ActorKindEnum"]); "channel": (RestSchemas["ChannelEnum"]); "reason"?: string; "at": string };
  "AppointmentInTheWay": { "id": number; "patient": number; "patient_name": string; "practitioner": number; "practitioner_name": string; "start": string; "end": string; "status": string; "code"?: string } & { [field: string]: any };
  "AppointmentInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "service"?: number | null; "hold"?: string; "patient"?: number; "notes"?: string; "request_note"?: string; "outside_hours"?: boolean; "allow_overlap"?: boolean; "status"?: string };
  "AppointmentOutput": { "id": number; "clinic": number; "patient": number; "patient_name": string; "patient_email": string; "patient_phone": string; "patient_phone_extension": string; "patient_alert"?: string; "practitioner": number; "practitioner_name": string; "dentist": number; "dentist_name": string; "service": number | null; "service_name": string | null; "service_color": string | null; "start": string; "end": string; "date": string; "time": string; "status": (RestSchemas["StatusEnum"]); "attendance_confirmed_at": string | null; "checked_in_at": string | null; "arrived_at": string | null; "called_at": string | null; "requested_start": string | null; "room": string; "reference": string; "request_note": string; "notes"?: string; "cancel_reason": string; "source": (RestSchemas["SourceEnum"]); "series": number | null; "allow_overlap": boolean; "version": number; "created_at": string; "updated_at": string };
  "ApproveInputRequest": { "version"?: number; "force"?: boolean };
  "AvailabilityChangedOutput": { "practitioner": number; "timezone": string; "version": string; "blocks": Array<RestSchemas["WorkingBlockOutput"]>; "exceptions": Array<RestSchemas["ScheduleExceptionOutput"]>; "clinic_exceptions": Array<RestSchemas["ScheduleExceptionOutput"]>; "stranded": Array<number> };
  "AvailabilityInputRequest": { "blocks": Array<RestSchemas["WorkingBlockInputRequest"]>; "exceptions"?: Array<RestSchemas["ExceptionHoursInputRequest"]>; "version"?: string; "force"?: boolean };
  "AvailabilityOutput": { "practitioner": number; "timezone": string; "version": string; "blocks": Array<RestSchemas["WorkingBlockOutput"]>; "exceptions": Array<RestSchemas["ScheduleExceptionOutput"]>; "clinic_exceptions": Array<RestSchemas["ScheduleExceptionOutput"]> };
  "CalendarHoldOutput": { "start": string; "end": string; "id": number; "practitioner": number; "blocked_from": string; "blocked_until": string; "expires_at": string; "kind": (RestSchemas["HoldKindEnum"]); "mine": boolean };
  "CalendarMonthOutput": { "month": string; "timezone": string; "as_of": string; "days": Array<RestSchemas["MonthDayOutput"]> };
  "CalendarOfferOutput": { "start": string; "end": string; "id": number; "hold": number; "practitioner": number; "service_name": string | null; "patient": number | null; "patient_name": string | null; "told_at": string | null; "expires_at": string };
  "CalendarOutput": { "from": string; "timezone": string; "to": string; "as_of": string; "practitioners": Array<RestSchemas["CalendarPractitionerOutput"]>; "services": Array<RestSchemas["CalendarServiceOutput"]>; "schedules": Array<RestSchemas["ScheduleOutput"]>; "appointments": Array<RestSchemas["AppointmentOutput"]>; "holds": Array<RestSchemas["CalendarHoldOutput"]>; "offers": Array<RestSchemas["CalendarOfferOutput"]> };
  "CalendarPractitionerOutput": { "id": number; "name": string; "specialisation": string };
  "CalendarServiceOutput": { "id": number; "name": string; "color": string; "duration_minutes": number; "buffer_before_minutes": number; "buffer_after_minutes": number };
  "CallInputRequest": { "room"?: string; "version"?: number };
  "CancelInputRequest": { "reason"?: string };
  "ChannelEnum": "api" | "admin" | "portal" | "sms" | "worker" | "command";
  "ChatBookInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "hold": string; "name": string; "phone": string; "email"?: (string); "code"?: string; "reference"?: string; "note"?: string };
  "ChatCancelInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "reference": string; "reason"?: string };
  "ChatCodeInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "clinic"?: string; "phone": string };
  "ChatCodeOutput": { "say": string; "expires_in": number };
  "ChatHeldInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "hold": string };
  "ChatHeldOutput": { "say": string; "start": string; "end": string; "date": string; "time": string; "practitioner": number; "practitioner_name": string; "hold": string; "clinic": number; "service": number | null; "expires_at": string };
  "ChatHoldInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "clinic"?: string; "start"?: string; "date"?: string; "time"?: string; "service"?: number; "practitioner"?: number };
  "ChatMoveInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "hold": string; "reference": string };
  "ChatSaidOutput": { "say": string };
  "ChatServiceOutput": { "id": number; "name": string; "duration_minutes": number };
  "ChatServicesOutput": { "say": string; "clinic": number; "clinic_name": string; "services": Array<RestSchemas["ChatServiceOutput"]> };
  "ChatTimeOutput": { "say": string; "start": string; "end": string; "date": string; "time": string; "practitioner": number; "practitioner_name": string };
  "ChatTimesOutput": { "say": string; "clinic": number; "on_day": boolean; "times": Array<RestSchemas["ChatTimeOutput"]> };
  "ChatVisitOutput": { "say": string; "start": string; "end": string; "date": string; "time": string; "practitioner": number; "practitioner_name": string; "reference": string; "status": (RestSchemas["StatusEnum"]); "service": number | null; "service_name": string | null };
  "ChatVisitsInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "clinic"?: string; "phone": string; "code": string };
  "ChatVisitsOutput": { "say": string; "visits": Array<RestSchemas["ChatVisitOutput"]> };
  "ChatWaitInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "clinic"?: string; "phone": string; "code": string; "name": string; "email"?: (string); "service"?: number; "practitioner"?: number; "first_date": string; "last_date": string; "part_of_day"?: (RestSchemas["PartOfDayEnum"]) };
  "ChatWaitOutput": { "say": string; "first_date": string; "last_date": string; "practitioner": number | null; "service": number | null; "part_of_day": (RestSchemas["PartOfDayEnum"]) };
  "ClinicInUnknownZone": { "id": number; "slug": string };
  "ClinicOutput": { "id": number; "reminder_minutes"?: Array<number>; "sms_countries"?: Array<string>; "embed_origins"?: Array<string>; "version": number; "name": string; "slug": string; "phone"?: (string); "email"?: (string); "address"?: string; "timezone"?: string; "phone_region"?: string; "slot_minutes"?: number; "hold_minutes"?: number; "horizon_days"?: number; "notice_minutes"?: number; "cancellation_notice_minutes"?: number; "no_show_after_minutes"?: number; "auto_no_show"?: boolean; "no_show_message"?: boolean; "call_by_sms"?: boolean; "patient_moves"?: (RestSchemas["PatientMovesEnum"]); "undo_seconds"?: number; "auto_confirm"?: boolean; "waitlist_mode"?: (RestSchemas["WaitlistModeEnum"]); "offer_minutes"?: number; "language"?: (RestSchemas["LanguageEnum"]); "hour_format"?: (RestSchemas["HourFormatEnum"]); "reminder_ways"?: (RestSchemas["ReminderWaysEnum"]); "quiet_from"?: string | null; "quiet_until"?: string | null; "mail_new_requests"?: boolean; "guests_verify_phone"?: boolean; "wall_messages"?: string; "max_pending_per_phone"?: number; "max_holds_per_user"?: number; "max_holds_per_address"?: number; "max_sms_per_phone"?: number; "max_sms_per_day"?: number };
  "ClinicRoleEnum": "owner" | "staff" | "practitioner";
  "ClockHealth": { "skew_seconds": number; "off": boolean };
  "ClosureOutput": { "start": string; "end": string; "whole_clinic": boolean; "reason": string };
  "ConfirmInputRequest": { "reason"?: string; "version"?: number; "link_to"?: number; "allow_overlap"?: boolean };
  "ConflictOutput": { "id": number; "patient": number; "patient_name": string; "practitioner": number; "practitioner_name": string; "start": string; "end": string; "status": string; "version": number; "free_times": Array<RestSchemas["FreeTimeOutput"]> };
  "ConflictsOutput": { "count": number; "appointments": Array<RestSchemas["ConflictOutput"]> };
  "ConversationOutput": { "phone": string; "patients": Array<RestSchemas["NamedPatientOutput"]>; "waiting": number; "last": (RestSchemas["LineOutput"]) | null };
  "ConversationsOutput": { "conversations": Array<RestSchemas["ConversationOutput"]>; "waiting": number; "before": string | null };
  "CorrectionInputRequest": { "version"?: number; "status": string; "reason": string; "allow_overlap"?: boolean };
  "DatabaseEnum": "ok" | "starting" | "unreachable" | "unmigrated" | "unfinished_restore" | "write_timeout" | "read_only" | "cluster_not_ready" | "disk_full" | "too_many_connections";
  "DeclineInputRequest": { "version"?: number; "answer"?: string };
  "DelayAnnouncedOutput": { "practitioner": number; "date": string; "minutes": number; "started_at": string | null; "notified": number };
  "DelayInputRequest": { "minutes": number };
  "DelayOutput": { "practitioner": number; "date": string; "minutes": number; "started_at": string | null };
  "DeviceInputRequest": { "name": string; "kind": (RestSchemas["DeviceKindEnum"]); "shows_names"?: boolean };
  "DeviceKindEnum": "team" | "waiting_room";
  "DeviceOutput": { "id": number; "name": string; "kind": (RestSchemas["DeviceKindEnum"]); "shows_names"?: boolean; "created_at": string; "seen_at": string | null };
  "DeviceTicketInputRequest": { "token": string };
  "DirectionEnum": "sent" | "received";
  "EntryInputRequest": { "practitioner"?: number | null; "service"?: number | null; "first_date": string; "last_date": string; "part_of_day"?: (RestSchemas["PartOfDayEnum"]); "priority"?: number; "auto_accept"?: boolean; "patient"?: number };
  "EntryOutput": { "id": number; "clinic": number; "patient": number; "patient_name": string; "practitioner"?: number | null; "practitioner_name"?: string | null; "service"?: number | null; "service_name"?: string | null; "first_date": string; "last_date": string; "part_of_day"?: (RestSchemas["PartOfDayEnum"]); "priority"?: number; "auto_accept"?: boolean; "state"?: (RestSchemas["EntryStateEnum"]); "appointment"?: number | null; "offer": (RestSchemas["OfferOutput"]) | null; "version"?: number; "created_at": string; "updated_at": string };
  "EntryStateEnum": "waiting" | "offered" | "booked" | "withdrawn" | "lapsed";
  "Error": { "type": "validation_error" | "client_error" | "server_error"; "errors": Array<{ "code": string; "detail": string; "attr": string | null }>; "say"?: string; "current"?: Record<string, any>; "current_version"?: (number) | (string); "nearest"?: Array<RestSchemas["NearestSlot"]>; "allowed"?: Array<string>; "appointments"?: Array<RestSchemas["AppointmentInTheWay"]>; "count"?: number; "conflicts"?: Array<RestSchemas["SeriesDateOutput"]> } & { [field: string]: any };
  "ExceptionChangedOutput": { "id": number; "practitioner": number | null; "start_date": string; "end_date": string; "closed": boolean; "start": string | null; "end": string | null; "reason"?: string; "version": number; "stranded": Array<number> };
  "ExceptionHoursInputRequest": { "start_date": string; "end_date"?: string; "closed"?: boolean; "start"?: string | null; "end"?: string | null; "reason"?: string };
  "FamilyMemberInputRequest": { "name": string; "birth_date"?: string | null };
  "FamilyMemberOutput": { "id": number; "name": string; "birth_date": string | null; "has_account": boolean; "version": number };
  "FiguresOutput": { "visits": number; "counts": Record<string, number>; "booked_minutes": number; "available_minutes": number; "utilisation": number | null; "no_show_rate": number | null; "cancelled_share": number | null };
  "FreePractitionerOutput": { "id": number; "name": string };
  "FreeTimeOutput": { "start": string; "end": string; "practitioner": number; "practitioner_name": string };
  "FrequencyEnum": "weekly" | "biweekly" | "monthly";
  "GapInputRequest": { "practitioner": number; "start": string; "end": string };
  "GapOfferedOutput": { "offered": number; "booked": number };
  "GapOutput": { "practitioner": number; "practitioner_name": string; "start": string; "end": string; "minutes": number; "waiting": number };
  "GapsOutput": { "date": string; "gaps": Array<RestSchemas["GapOutput"]> };
  "GroupByEnum": "month" | "day";
  "GuestBookingInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "service"?: number | null; "hold"?: string; "name": string; "phone": string; "phone_extension"?: (string); "phone_code"?: string; "reference"?: string; "email"?: (string); "notes"?: string; "request_note"?: string; "status"?: string; "clinic"?: string };
  "GuestBookingMadeOutput": { "status": (RestSchemas["StatusEnum"]); "start": string; "end": string; "date": string; "time": string; "practitioner": number; "practitioner_name": string; "service": number | null; "service_name": string | null; "attendance_confirmed_at": string | null; "arrived_at": string | null; "called_at": string | null; "requested_start": string | null; "room": string; "request_note": string; "version": number; "actions": Array<RestSchemas["ActionsEnum"]>; "cancel_until": string; "moves_left": number; "patient_moves": (RestSchemas["PatientMovesEnum"]); "clinic": (RestSchemas["VisitClinicOutput"]); "reference": string };
  "GuestBookingOutput": { "status": (RestSchemas["StatusEnum"]); "start": string; "end": string; "date": string; "time": string; "practitioner": number; "practitioner_name": string; "service": number | null; "service_name": string | null; "attendance_confirmed_at": string | null; "arrived_at": string | null; "called_at": string | null; "requested_start": string | null; "room": string; "request_note": string; "version": number; "actions": Array<RestSchemas["ActionsEnum"]>; "cancel_until": string; "moves_left": number; "patient_moves": (RestSchemas["PatientMovesEnum"]); "clinic": (RestSchemas["VisitClinicOutput"]) };
  "Health": { "outbox"?: (RestSchemas["OutboxHealth"]) | null; "worker"?: (RestSchemas["WorkerHealth"]) | null; "clock"?: (RestSchemas["ClockHealth"]); "transactions"?: (RestSchemas["TransactionHealth"]) | null; "sign_ins"?: (RestSchemas["SignInHealth"]); "time_zones"?: (RestSchemas["TimeZoneHealth"]); "status": string; "service": string; "version": string; "database": string; "database_version"?: string | null };
  "HoldInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "service"?: number | null; "clinic"?: string };
  "HoldKindEnum": "hold" | "offer" | "undo";
  "HoldOutput": { "id": number; "token": string; "practitioner": number; "service": number | null; "start": string; "end": string; "expires_at": string; "renewable": boolean };
  "HoldReleaseInputRequest": { "token"?: string };
  "HourFormatEnum": "auto" | "12" | "24";
  "InboundInputRequest": { "MessageSid": string; "AccountSid": string; "From": string; "To": string; "Body"?: string; "OptOutType"?: string };
  "IntervalOutput": { "start": string; "end": string };
  "LanguageEnum": "en" | "de";
  "LineOutput": { "id": number; "direction": (RestSchemas["DirectionEnum"]); "channel": (RestSchemas["MessageChannelEnum"]); "kind": (RestSchemas["MessageKindEnum"]) | null; "title": string; "subject": string; "body": string; "recipient": string; "state": (RestSchemas["MessageStateEnum"]) | null; "error": string; "appointment": number | null; "at": string; "send_at": string | null; "waits": boolean; "answer": string; "settled_at": string | null; "settled_by": string; "can_send_again": boolean };
  "LinkInputRequest": { "user": number; "family"?: boolean };
  "LinkTokenInputRequest": { "token": string };
  "MatchOutput": { "practitioner": number; "practitioner_name": string; "start": string; "end": string };
  "MatchedEntryOutput": { "id": number; "clinic": number; "patient": number; "patient_name": string; "practitioner"?: number | null; "practitioner_name"?: string | null; "service"?: number | null; "service_name"?: string | null; "first_date": string; "last_date": string; "part_of_day"?: (RestSchemas["PartOfDayEnum"]); "priority"?: number; "auto_accept"?: boolean; "state"?: (RestSchemas["EntryStateEnum"]); "appointment"?: number | null; "offer": (RestSchemas["OfferOutput"]) | null; "version"?: number; "created_at": string; "updated_at": string; "patient_phone": string; "matches": Array<RestSchemas["MatchOutput"]> };
  "MergeInputRequest": { "into": number; "dry_run"?: boolean; "allow_overlap"?: boolean };
  "MergeOutput": { "dry_run": boolean; "moves": Record<string, number>; "moves_account": boolean; "overlaps": Array<RestSchemas["OverlapOutput"]>; "into": (RestSchemas["PatientOutput"]) };
  "MessageChannelEnum": "sms" | "email" | "in_app" | "push";
  "MessageKindEnum": "change" | "reminder" | "day" | "offer" | "reply" | "clinic" | "desk" | "account";
  "MessageOutput": { "id": number; "channel": (RestSchemas["MessageChannelEnum"]); "template": string; "recipient": string; "user"?: number | null; "appointment"?: number | null; "subject"?: string; "body": string; "secret"?: boolean; "state"?: (RestSchemas["MessageStateEnum"]); "attempts"?: number; "error"?: string; "created_at": string; "send_at": string; "expires_at": string | null; "sent_at": string | null; "read_at": string | null };
  "MessageStateEnum": "queued" | "held" | "sending" | "sent" | "delivered" | "failed" | "dead" | "cancelled";
  "MonthDayOutput": { "date": string; "visits": number; "counts": Record<string, number>; "working_minutes": number; "booked_minutes": number; "utilisation": number | null; "full": boolean; "closed": boolean; "closed_reason": string };
  "MoveInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "version"?: number };
  "NamedPatientOutput": { "id": number; "name": string };
  "NearestSlot": { "start": string; "end": string; "practitioner": number };
  "NewDeviceOutput": { "id": number; "name": string; "kind": (RestSchemas["DeviceKindEnum"]); "shows_names"?: boolean; "created_at": string; "seen_at": string | null; "token": string };
  "NewStaffInputRequest": { "name": string; "email": string; "phone"?: string | null; "phone_extension"?: (string); "role": (RestSchemas["ClinicRoleEnum"]); "practitioner"?: number | null; "password"?: string };
  "NextVisitOutput": { "id": number; "start": string; "date": string; "time": string; "status": (RestSchemas["StatusEnum"]); "practitioner_name": string; "service_name": string | null };
  "NotificationOutput": { "id": number; "kind": string; "title": string; "body"?: string; "appointment"?: number | null; "created_at": string; "read_at": string | null };
  "Now": { "utc": string; "clinic": string | null; "timezone": string | null };
  "OfferInputRequest": { "practitioner": number; "start": string };
  "OfferOutput": { "token": string; "state"?: (RestSchemas["OfferStateEnum"]); "clinic": number; "clinic_name": string; "practitioner": number; "practitioner_name": string; "service"?: number | null; "service_name"?: string | null; "start": string; "end": string; "date": string; "time": string; "expires_at": string; "appointment"?: number | null };
  "OfferStateEnum": "open" | "accepted" | "declined" | "expired" | "withdrawn";
  "OnConflictEnum": "fail" | "skip";
  "OutboxHealth": { "due": number; "oldest_due_seconds": number; "retrying": number; "held": number; "sms_limited": number; "oldest_undelivered_seconds": number };
  "OutcomeEnum": "booked" | "free" | "refused";
  "OverlapOutput": { "id": number; "patient": number; "patient_name": string; "practitioner": number; "practitioner_name": string; "start": string; "end": string; "status": string };
  "OverviewOutput": { "patient": (RestSchemas["PatientOutput"]); "next": (RestSchemas["AppointmentOutput"]) | null; "ahead": Array<RestSchemas["AppointmentOutput"]>; "past": Array<RestSchemas["AppointmentOutput"]>; "past_count": number; "missed": number; "messages": Array<RestSchemas["LineOutput"]> | null; "waiting": number; "waitlist": Array<RestSchemas["EntryOutput"]>; "family": Array<RestSchemas["RelativeOutput"]>; "possible_duplicates": Array<RestSchemas["PossibleDuplicateOutput"]> };
  "OwnProfileInputRequest": { "version"?: number; "name": string; "email": string; "phone": string | null; "phone_extension"?: (string); "phone_code"?: string; "password"?: string; "preferences"?: (RestSchemas["PreferencesInputRequest"]) };
  "OwnProfileOutput": { "id": number; "email": string; "email_proven": boolean; "pending_email": string | null; "phone": string | null; "phone_extension": string; "phone_verified": boolean; "pending_phone": string | null; "name": string; "role": (RestSchemas["RoleEnum"]); "clinic": number | null; "photo": string | null; "practitioner": number | null; "patient": number | null; "version": number; "preferences": (RestSchemas["PreferencesOutput"]) | null };
  "PaginatedAbsenceOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["AbsenceOutput"]> };
  "PaginatedAppointmentEventOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["AppointmentEventOutput"]> };
  "PaginatedAppointmentOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["AppointmentOutput"]> };
  "PaginatedDeviceOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["DeviceOutput"]> };
  "PaginatedEntryOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["EntryOutput"]> };
  "PaginatedFamilyMemberOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["FamilyMemberOutput"]> };
  "PaginatedHoldOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["HoldOutput"]> };
  "PaginatedMessageOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["MessageOutput"]> };
  "PaginatedNotificationOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["NotificationOutput"]>; "unread_count": number };
  "PaginatedPatientOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["PatientOutput"]> };
  "PaginatedPractitionerOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["PractitionerOutput"]> };
  "PaginatedPushSubscriptionOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["PushSubscriptionOutput"]> };
  "PaginatedScheduleExceptionOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["ScheduleExceptionOutput"]> };
  "PaginatedServiceOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["ServiceOutput"]> };
  "PaginatedSignInOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["SignInOutput"]> };
  "PaginatedStaffOutputList": { "count": number; "next": string | null; "previous": string | null; "count_is_exact": boolean; "after": string | null; "results": Array<RestSchemas["StaffOutput"]> };
  "PartOfDayEnum": "any" | "morning" | "afternoon" | "evening";
  "PasswordChangeInputRequest": { "old_password": string; "new_password": string };
  "PasswordConfirmInputRequest": { "token": string; "password": string };
  "PasswordResetInputRequest": { "email": string };
  "PatchedActionInputRequest": { "reason"?: string; "version"?: number };
  "PatchedAppointmentEditInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "patient"?: number; "service"?: number | null; "notes"?: string; "outside_hours"?: boolean; "allow_overlap"?: boolean; "status"?: string; "reason"?: string; "version"?: number };
  "PatchedClinicInputRequest": { "version"?: number; "force"?: boolean; "reminder_minutes"?: Array<number>; "sms_countries"?: Array<string>; "embed_origins"?: Array<string>; "name"?: string; "slug"?: string; "phone"?: (string); "email"?: (string); "address"?: string; "timezone"?: string; "phone_region"?: string; "slot_minutes"?: number; "hold_minutes"?: number; "horizon_days"?: number; "notice_minutes"?: number; "cancellation_notice_minutes"?: number; "no_show_after_minutes"?: number; "auto_no_show"?: boolean; "no_show_message"?: boolean; "call_by_sms"?: boolean; "patient_moves"?: (RestSchemas["PatientMovesEnum"]); "undo_seconds"?: number; "auto_confirm"?: boolean; "waitlist_mode"?: (RestSchemas["WaitlistModeEnum"]); "offer_minutes"?: number; "language"?: (RestSchemas["LanguageEnum"]); "hour_format"?: (RestSchemas["HourFormatEnum"]); "reminder_ways"?: (RestSchemas["ReminderWaysEnum"]); "quiet_from"?: string | null; "quiet_until"?: string | null; "mail_new_requests"?: boolean; "guests_verify_phone"?: boolean; "wall_messages"?: string; "max_pending_per_phone"?: number; "max_holds_per_user"?: number; "max_holds_per_address"?: number; "max_sms_per_phone"?: number; "max_sms_per_day"?: number };
  "PatchedConfirmInputRequest": { "reason"?: string; "version"?: number; "link_to"?: number; "allow_overlap"?: boolean };
  "PatchedEntryEditInputRequest": { "practitioner"?: number | null; "service"?: number | null; "first_date"?: string; "last_date"?: string; "part_of_day"?: (RestSchemas["PartOfDayEnum"]); "priority"?: number; "auto_accept"?: boolean; "version"?: number };
  "PatchedFamilyMemberEditInputRequest": { "version"?: number; "name"?: string; "birth_date"?: string | null };
  "PatchedOwnProfileInputRequest": { "version"?: number; "name"?: string; "email"?: string; "phone"?: string | null; "phone_extension"?: (string); "phone_code"?: string; "password"?: string; "preferences"?: (RestSchemas["PreferencesInputRequest"]) };
  "PatchedPatientEditInputRequest": { "version"?: number; "name"?: string; "email"?: (string); "phone"?: string; "phone_extension"?: (string); "birth_date"?: string | null; "alert"?: string; "preferences"?: (RestSchemas["PreferencesInputRequest"]) };
  "PatchedPractitionerEditInputRequest": { "version"?: number; "outside_hours"?: boolean; "reason"?: string; "name"?: string; "specialisation"?: string; "services"?: Array<number>; "user"?: number | null; "account"?: (RestSchemas["AccountInputRequest"]); "appointments"?: ("cancel" | "keep") | ({ "move_to": number }); "active"?: boolean };
  "PatchedReopenInputRequest": { "reason"?: string; "version"?: number; "allow_overlap"?: boolean };
  "PatchedScheduleExceptionEditInputRequest": { "version"?: number; "start_date"?: string; "end_date"?: string; "closed"?: boolean; "start"?: string | null; "end"?: string | null; "reason"?: string; "force"?: boolean };
  "PatchedSeriesEditInputRequest": { "practitioner"?: number; "time"?: string; "service"?: number; "notes"?: string; "outside_hours"?: boolean; "allow_overlap"?: boolean; "version"?: number };
  "PatchedServiceEditInputRequest": { "version"?: number; "name"?: string; "duration_minutes"?: number; "buffer_before_minutes"?: number; "buffer_after_minutes"?: number; "color"?: string; "practitioners"?: Array<number>; "active"?: boolean };
  "PatchedStaffEditInputRequest": { "version"?: number; "name"?: string; "email"?: string; "phone"?: string | null; "phone_extension"?: (string); "role"?: (RestSchemas["ClinicRoleEnum"]); "practitioner"?: number | null; "active"?: boolean };
  "PatientActionEnum": "link" | "unlink" | "merge" | "join_family" | "leave_family";
  "PatientEventOutput": { "id": number; "patient": number; "action": (RestSchemas["PatientActionEnum"]); "other_patient": number | null; "account": number | null; "actor": number | null; "actor_name": string; "at": string };
  "PatientInputRequest": { "name": string; "email"?: (string); "phone"?: string; "phone_extension"?: (string); "birth_date"?: string | null; "alert"?: string; "preferences"?: (RestSchemas["PreferencesInputRequest"]) };
  "PatientMatchOutput": { "id": number; "name": string; "phone": string; "phone_extension": string; "email": string; "birth_date": string | null; "alert": string; "missed_count": number; "last_service": number | null; "last_practitioner": number | null; "next_visit": (RestSchemas["NextVisitOutput"]) | null };
  "PatientMovesEnum": "off" | "request" | "direct";
  "PatientOutput": { "id": number; "name": string; "email"?: (string); "phone"?: string; "phone_extension"?: (string); "birth_date"?: string | null; "alert"?: string; "has_account": boolean; "possible_duplicates": Array<number>; "family_of": Array<number>; "preferences": (RestSchemas["PreferencesOutput"]); "version": number; "created_at": string };
  "PeriodFiguresOutput": { "first_date": string; "last_date": string; "figures": (RestSchemas["FiguresOutput"]); "requests": (RestSchemas["AnswersOutput"]); "sources": Record<string, number>; "waitlist": (RestSchemas["WaitlistFilledOutput"]) };
  "PeriodOutput": { "total": number; "counts": Record<string, number>; "shares": Record<string, number>; "no_show_rate": number | null; "period": string };
  "PhoneCodeInputRequest": { "phone": string; "clinic"?: string };
  "PhoneCodeOutput": { "expires_in": number };
  "PhotoInputRequest": { "photo": string };
  "PossibleDuplicateOutput": { "id": number; "name": string; "email"?: (string); "phone"?: string; "phone_extension"?: (string); "birth_date"?: string | null; "has_account": boolean; "same_name": boolean; "created_at": string };
  "PractitionerFiguresOutput": { "visits": number; "counts": Record<string, number>; "booked_minutes": number; "available_minutes": number; "utilisation": number | null; "no_show_rate": number | null; "cancelled_share": number | null; "practitioner": number; "practitioner_name": string; "active": boolean; "before": (RestSchemas["FiguresOutput"]) };
  "PractitionerInputRequest": { "name": string; "specialisation"?: string; "services"?: Array<number>; "user"?: number | null; "account"?: (RestSchemas["AccountInputRequest"]) };
  "PractitionerOutput": { "id": number; "name": string; "specialisation"?: string; "specialization": string; "photo": string | null; "services": Array<number>; "active"?: boolean; "user"?: number | null; "version": number };
  "PreferencesInputRequest": { "language"?: (RestSchemas["LanguageEnum"]); "wants_sms"?: boolean; "wants_email"?: boolean; "wants_reminders"?: boolean };
  "PreferencesOutput": { "language": string; "wants_sms"?: boolean; "wants_email"?: boolean; "wants_reminders"?: boolean };
  "PushKeyOutput": { "public_key": string };
  "PushKeysInputRequest": { "p256dh": string; "auth": string };
  "PushSubscriptionInputRequest": { "endpoint": string; "keys": (RestSchemas["PushKeysInputRequest"]) };
  "PushSubscriptionOutput": { "id": number; "device": string; "created_at": string };
  "ReadAllOutput": { "marked": number; "unread_count": number };
  "Readiness": { "status": (RestSchemas["ReadinessStatusEnum"]); "service": string; "version": string; "database": (RestSchemas["DatabaseEnum"]) };
  "ReadinessStatusEnum": "ok" | "unavailable";
  "RefreshInputRequest": { "refresh": string };
  "RelativeOutput": { "id": number; "name": string; "birth_date": string | null; "books": boolean };
  "ReminderWaysEnum": "sms_first" | "mail_first" | "mail" | "every";
  "ReopenInputRequest": { "reason"?: string; "version"?: number; "allow_overlap"?: boolean };
  "ReplyInputRequest": { "text": string };
  "ReportCellOutput": { "week": string; "practitioner": number; "booked_minutes": number; "available_minutes": number; "utilisation": number | null };
  "ReportOutput": { "timezone": string; "practitioner": number | null; "current": (RestSchemas["PeriodFiguresOutput"]); "before": (RestSchemas["PeriodFiguresOutput"]); "weeks": Array<RestSchemas["WeekOutput"]>; "weeks_before": Array<RestSchemas["WeekOutput"]>; "by_practitioner": Array<RestSchemas["PractitionerFiguresOutput"]>; "cells": Array<RestSchemas["ReportCellOutput"]>; "heat_map": Array<Array<number>> };
  "RescheduleInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "outside_hours"?: boolean; "allow_overlap"?: boolean; "duration_minutes"?: number; "version"?: number };
  "RoleEnum": "owner" | "staff" | "practitioner" | "patient" | "admin";
  "RuleInputRequest": { "frequency": (RestSchemas["FrequencyEnum"]); "count"?: number; "until"?: string; "weekdays"?: Array<number> };
  "RuleOutput": { "frequency": (RestSchemas["FrequencyEnum"]); "count"?: number | null; "until"?: string | null; "weekdays": Array<number> };
  "ScheduleExceptionInputRequest": { "start_date": string; "end_date"?: string; "closed"?: boolean; "start"?: string | null; "end"?: string | null; "reason"?: string; "practitioner"?: number | null; "force"?: boolean };
  "ScheduleExceptionOutput": { "id": number; "practitioner": number | null; "start_date": string; "end_date": string; "closed": boolean; "start": string | null; "end": string | null; "reason"?: string; "version": number };
  "ScheduleOutput": { "date": string; "practitioner": number; "hours": Array<RestSchemas["IntervalOutput"]>; "breaks": Array<RestSchemas["IntervalOutput"]>; "closures": Array<RestSchemas["ClosureOutput"]>; "exceptional": boolean; "exceptional_reason": string };
  "SeriesBookedOutput": { "series": (RestSchemas["SeriesOutput"]) | null; "dates": Array<RestSchemas["SeriesDateOutput"]> };
  "SeriesDateOutput": { "date": string; "time": string; "start": string | null; "appointment": number | null; "outcome": (RestSchemas["OutcomeEnum"]); "code": string | null; "reason": string | null };
  "SeriesInputRequest": { "start"?: string; "date"?: string; "time"?: string; "practitioner"?: number; "patient": number; "service"?: number | null; "notes"?: string; "outside_hours"?: boolean; "allow_overlap"?: boolean; "rule": (RestSchemas["RuleInputRequest"]); "on_conflict"?: (RestSchemas["OnConflictEnum"]); "dry_run"?: boolean };
  "SeriesOutput": { "id": number; "clinic": number; "patient": number; "patient_name": string; "practitioner": number; "practitioner_name": string; "service"?: number | null; "service_name"?: string | null; "rule": (RestSchemas["RuleOutput"]); "first_date": string; "time": string; "notes"?: string; "version"?: number; "created_at": string; "updated_at": string; "appointments": Array<RestSchemas["AppointmentOutput"]> };
  "ServiceInputRequest": { "name": string; "duration_minutes": number; "buffer_before_minutes"?: number; "buffer_after_minutes"?: number; "color"?: string; "practitioners"?: Array<number>; "active"?: boolean };
  "ServiceOutput": { "id": number; "name": string; "duration_minutes": number; "buffer_before_minutes"?: number; "buffer_after_minutes"?: number; "color"?: string; "practitioners": Array<number>; "active"?: boolean; "version": number };
  "SignInHealth": { "accounts": number; "addresses": number; "share_one_address": boolean };
  "SignInInputRequest": { "username"?: string; "email"?: string; "phone"?: string; "password": string };
  "SignInOutput": { "id": string; "device": string; "created_at": string; "last_seen_at": string; "is_current": boolean };
  "SignUpInputRequest": { "name": string; "email": string; "phone"?: string; "phone_extension"?: (string); "password": string; "phone_code"?: string; "clinic"?: string };
  "SignUpOutput": { "access": string; "refresh": string; "user": (RestSchemas["UserOutput"]) };
  "SlotOutput": { "start": string; "end": string; "date": string; "time": string };
  "SlotsOutput": { "practitioner": number; "service": number | null; "slots": Array<RestSchemas["SlotOutput"]> };
  "SoonestOutput": { "service": number | null; "slots": Array<RestSchemas["SoonestSlotOutput"]> };
  "SoonestSlotOutput": { "start": string; "end": string; "date": string; "time": string; "practitioners": Array<RestSchemas["FreePractitionerOutput"]> };
  "SourceEnum": "desk" | "patient" | "guest" | "waitlist" | "series" | "demo";
  "StaffOutput": { "id": number; "email": string; "email_proven": boolean; "pending_email": string | null; "phone": string | null; "phone_extension": string; "phone_verified": boolean; "pending_phone": string | null; "name": string; "role": (RestSchemas["RoleEnum"]); "clinic": number | null; "photo": string | null; "practitioner": number | null; "patient": number | null; "version": number; "active": boolean; "invited": boolean };
  "StatisticsOutput": { "total": number; "counts": Record<string, number>; "shares": Record<string, number>; "no_show_rate": number | null; "practitioner": number | null; "practitioner_name": string | null; "group_by": (RestSchemas["GroupByEnum"]); "periods": Array<RestSchemas["PeriodOutput"]> };
  "StatusEnum": "pending" | "confirmed" | "checked_in" | "completed" | "cancelled" | "rejected" | "no_show";
  "StatusInputRequest": { "MessageSid": string; "MessageStatus": string; "ErrorCode"?: string };
  "StreamTicketOutput": { "ticket": string; "expires_in": number };
  "SummaryOutput": { "date": string; "pending_count": number; "today_by_status": Record<string, number>; "today": Array<RestSchemas["AppointmentOutput"]>; "next": (RestSchemas["AppointmentOutput"]) | null };
  "TimeZoneHealth": { "unknown": number; "clinics": Array<RestSchemas["ClinicInUnknownZone"]> };
  "TokenInputRequest": { "token": string };
  "TokenPairOutput": { "access": string; "refresh": string };
  "TransactionHealth": { "oldest_seconds": number; "old": number };
  "UndoInputRequest": { "version"?: number };
  "UnlinkInputRequest": { "user"?: number };
  "UserOutput": { "id": number; "email": string; "email_proven": boolean; "pending_email": string | null; "phone": string | null; "phone_extension": string; "phone_verified": boolean; "pending_phone": string | null; "name": string; "role": (RestSchemas["RoleEnum"]); "clinic": number | null; "photo": string | null; "practitioner": number | null; "patient": number | null; "version": number };
  "VisitClinicOutput": { "name": string; "slug": string; "phone": string; "email": string; "address": string; "timezone": string };
  "WaitlistFilledOutput": { "visits": number; "minutes": number };
  "WaitlistModeEnum": "off" | "offer";
  "WaitlistOutput": { "entries": Array<RestSchemas["MatchedEntryOutput"]>; "count": number };
  "WeekOutput": { "visits": number; "counts": Record<string, number>; "booked_minutes": number; "available_minutes": number; "utilisation": number | null; "no_show_rate": number | null; "cancelled_share": number | null; "week": string };
  "WordingInputRequest": { "subject"?: string; "body": string; "version"?: number };
  "WordingOutput": { "template": string; "title": string; "channel": (RestSchemas["MessageChannelEnum"]); "language": string; "is_own": boolean; "subject": string; "body": string; "placeholders": Array<string>; "version": number };
  "WordingsOutput": { "results": Array<RestSchemas["WordingOutput"]> };
  "WorkerHealth": { "last_round_at": string | null; "late": boolean; "failing": Array<string>; "clock_skew_seconds": number | null; "stopped_by_clock": number };
  "WorkingBlockInputRequest": { "weekday": number; "start": string; "end": string; "valid_from"?: string | null; "valid_until"?: string | null; "every_weeks"?: number };
  "WorkingBlockOutput": { "weekday": number; "start": string; "end": string; "valid_from": string | null; "valid_until": string | null; "every_weeks": number; "id": number };
}

export interface RestOperations {
  /** Requests for time off (owner, staff; a practitioner: their own) */
  "GET /absences": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number; "practitioner"?: number; "state"?: "requested" | "approved" | "declined" | "withdrawn" | "all" } }; answer: RestSchemas["PaginatedAbsenceOutputList"] };
  /** Ask for time off (a practitioner) */
  "POST /absences": { given: { body: RestSchemas["AbsenceInputRequest"] }; answer: RestSchemas["AbsenceOutput"] };
  /** Withdraw a request for time off before it is answered (the practitioner) */
  "DELETE /absences/{absence_id}": { given: { path: { "absence_id": number } }; answer: null };
  /** One request for time off */
  "GET /absences/{absence_id}": { given: { path: { "absence_id": number } }; answer: RestSchemas["AbsenceOutput"] };
  /** Approve time off (owner, staff) */
  "POST /absences/{absence_id}/approve": { given: { path: { "absence_id": number }; body?: RestSchemas["ApproveInputRequest"] }; answer: RestSchemas["AbsenceOutput"] };
  /** Decline time off (owner, staff) */
  "POST /absences/{absence_id}/decline": { given: { path: { "absence_id": number }; body?: RestSchemas["DeclineInputRequest"] }; answer: RestSchemas["AbsenceOutput"] };
  /** Appointments I may see */
  "GET /appointments": { given: { query?: { "after"?: string; "date"?: string; "from"?: string; "ordering"?: string; "page"?: number; "page_size"?: number; "patient"?: number; "practitioner"?: number; "scope"?: "active" | "history" | "all"; "search"?: string; "status"?: string; "to"?: string } }; answer: RestSchemas["PaginatedAppointmentOutputList"] };
  /** Book */
  "POST /appointments": { given: { body?: RestSchemas["AppointmentInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Appointments of a phone number, active and past */
  "GET /appointments/by_phone": { given: { query: { "after"?: string; "clinic"?: string; "code"?: string; "page"?: number; "page_size"?: number; "phone": string } }; answer: RestSchemas["PaginatedAppointmentOutputList"] };
  /** Appointments I may see, as CSV for a spreadsheet */
  "GET /appointments/export.csv": { given: { query?: { "date"?: string; "from"?: string; "ordering"?: string; "patient"?: number; "practitioner"?: number; "scope"?: "active" | "history" | "all"; "search"?: string; "status"?: string; "to"?: string } }; answer: null };
  /** Book by a rule */
  "POST /appointments/series": { given: { body: RestSchemas["SeriesInputRequest"] }; answer: RestSchemas["SeriesBookedOutput"] };
  /** Cancel what is still ahead */
  "DELETE /appointments/series/{series_id}": { given: { path: { "series_id": number }; query: { "appointment"?: number; "from"?: string; "reason"?: string; "scope": "this" | "following" | "all" } }; answer: RestSchemas["SeriesOutput"] };
  /** One series with its appointments */
  "GET /appointments/series/{series_id}": { given: { path: { "series_id": number } }; answer: RestSchemas["SeriesOutput"] };
  /** Change what is still ahead */
  "PATCH /appointments/series/{series_id}": { given: { path: { "series_id": number }; query: { "appointment"?: number; "from"?: string; "scope": "this" | "following" | "all" }; body?: RestSchemas["PatchedSeriesEditInputRequest"] }; answer: RestSchemas["SeriesOutput"] };
  /** Counts by status, of the clinic; a practitioner's own */
  "GET /appointments/stats": { given: { query?: { "from"?: string; "groupBy"?: "month" | "day"; "limit"?: number; "to"?: string } }; answer: RestSchemas["StatisticsOutput"] };
  /** Counts by status, of one practitioner */
  "GET /appointments/stats/practitioners/{practitioner_id}": { given: { path: { "practitioner_id": number }; query?: { "from"?: string; "groupBy"?: "month" | "day"; "limit"?: number; "to"?: string } }; answer: RestSchemas["StatisticsOutput"] };
  /** Pending requests, today's list, the next appointment: mine to see */
  "GET /appointments/summary": { given: object; answer: RestSchemas["SummaryOutput"] };
  /** Delete: cancels and frees the time */
  "DELETE /appointments/{appointment_id}": { given: { path: { "appointment_id": number } }; answer: null };
  /** One appointment */
  "GET /appointments/{appointment_id}": { given: { path: { "appointment_id": number } }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Change or move */
  "PATCH /appointments/{appointment_id}": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedAppointmentEditInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Change or move */
  "PUT /appointments/{appointment_id}": { given: { path: { "appointment_id": number }; body?: RestSchemas["AppointmentEditInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Call the patient in (the clinic) */
  "POST /appointments/{appointment_id}/call": { given: { path: { "appointment_id": number }; body?: RestSchemas["CallInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Cancel: frees the time */
  "PATCH /appointments/{appointment_id}/cancel": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Cancel: frees the time */
  "POST /appointments/{appointment_id}/cancel": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The patient has arrived */
  "PATCH /appointments/{appointment_id}/check-in": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The patient has arrived */
  "POST /appointments/{appointment_id}/check-in": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The treatment is done */
  "PATCH /appointments/{appointment_id}/complete": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The treatment is done */
  "POST /appointments/{appointment_id}/complete": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Confirm a request */
  "PATCH /appointments/{appointment_id}/confirm": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedConfirmInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Confirm a request */
  "POST /appointments/{appointment_id}/confirm": { given: { path: { "appointment_id": number }; body?: RestSchemas["ConfirmInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Correct the status */
  "POST /appointments/{appointment_id}/correct": { given: { path: { "appointment_id": number }; body: RestSchemas["CorrectionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Every change of an appointment */
  "GET /appointments/{appointment_id}/history": { given: { path: { "appointment_id": number }; query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedAppointmentEventOutputList"] };
  /** Decline the move that the patient asks for (the clinic) */
  "POST /appointments/{appointment_id}/keep-time": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The patient did not come */
  "PATCH /appointments/{appointment_id}/no-show": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The patient did not come */
  "POST /appointments/{appointment_id}/no-show": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Reject a request */
  "PATCH /appointments/{appointment_id}/reject": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Reject a request */
  "POST /appointments/{appointment_id}/reject": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The patient came after all */
  "PATCH /appointments/{appointment_id}/reopen": { given: { path: { "appointment_id": number }; body?: RestSchemas["PatchedReopenInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** The patient came after all */
  "POST /appointments/{appointment_id}/reopen": { given: { path: { "appointment_id": number }; body?: RestSchemas["ReopenInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Move to another time, also to another practitioner */
  "POST /appointments/{appointment_id}/reschedule": { given: { path: { "appointment_id": number }; body?: RestSchemas["RescheduleInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Replace the visit's link (the desk) */
  "POST /appointments/{appointment_id}/revoke-link": { given: { path: { "appointment_id": number }; body?: RestSchemas["ActionInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Undo the last step */
  "POST /appointments/{appointment_id}/undo": { given: { path: { "appointment_id": number }; body?: RestSchemas["UndoInputRequest"] }; answer: RestSchemas["AppointmentDetailOutput"] };
  /** Take back a changed e-mail or phone, by the token of a mail to the former one */
  "POST /auth/contact/undo": { given: { body: RestSchemas["LinkTokenInputRequest"] }; answer: null };
  /** Sign in */
  "POST /auth/doctor/login": { given: { body: RestSchemas["SignInInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** Verify an e-mail by the token of a mail */
  "POST /auth/email/prove": { given: { body: RestSchemas["LinkTokenInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** Have the mail sent again that verifies my e-mail */
  "POST /auth/email/resend": { given: object; answer: null };
  /** Sign out: end a refresh token */
  "POST /auth/logout": { given: { body: RestSchemas["RefreshInputRequest"] }; answer: null };
  /** End every session of mine, streams included */
  "POST /auth/logout-everywhere": { given: object; answer: null };
  /** Change my password */
  "POST /auth/password/change": { given: { body: RestSchemas["PasswordChangeInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** Have a mail sent that sets a password */
  "POST /auth/password/reset": { given: { body: RestSchemas["PasswordResetInputRequest"] }; answer: null };
  /** Set a password by the token of a mail */
  "POST /auth/password/reset/confirm": { given: { body: RestSchemas["PasswordConfirmInputRequest"] }; answer: null };
  /** Sign in */
  "POST /auth/patient/login": { given: { body: RestSchemas["SignInInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** Sign up as a patient */
  "POST /auth/patient/signup": { given: { body: RestSchemas["SignUpInputRequest"] }; answer: RestSchemas["SignUpOutput"] };
  /** New tokens for a refresh token */
  "POST /auth/refresh": { given: { body: RestSchemas["RefreshInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** A ticket for a stream's address: one minute */
  "POST /auth/stream-ticket": { given: object; answer: RestSchemas["StreamTicketOutput"] };
  /** Some days of the calendar, as `calendar/day` shows one */
  "GET /calendar": { given: { query?: { "from"?: string; "practitioner"?: number; "to"?: string } }; answer: RestSchemas["CalendarOutput"] };
  /** A day of the calendar: visits, hours, breaks, closures, holds and offers */
  "GET /calendar/day": { given: { query?: { "date"?: string; "practitioner"?: number } }; answer: RestSchemas["CalendarOutput"] };
  /** A month by day: counts, utilisation, full and closed days */
  "GET /calendar/month": { given: { query?: { "month"?: string; "practitioner"?: number } }; answer: RestSchemas["CalendarMonthOutput"] };
  /** Book a kept time */
  "POST /chat/book": { given: { body: RestSchemas["ChatBookInputRequest"] }; answer: RestSchemas["ChatVisitOutput"] };
  /** Cancel a visit, within the clinic's notice */
  "POST /chat/cancel": { given: { body: RestSchemas["ChatCancelInputRequest"] }; answer: RestSchemas["ChatVisitOutput"] };
  /** Have a code sent, to show one's visits */
  "POST /chat/code": { given: { body: RestSchemas["ChatCodeInputRequest"] }; answer: RestSchemas["ChatCodeOutput"] };
  /** Keep a time while talking */
  "POST /chat/hold": { given: { body?: RestSchemas["ChatHoldInputRequest"] }; answer: RestSchemas["ChatHeldOutput"] };
  /** Move a visit to a kept time */
  "POST /chat/move": { given: { body: RestSchemas["ChatMoveInputRequest"] }; answer: RestSchemas["ChatVisitOutput"] };
  /** Let a kept time go */
  "POST /chat/release": { given: { body: RestSchemas["ChatHeldInputRequest"] }; answer: RestSchemas["ChatSaidOutput"] };
  /** What a patient may book */
  "GET /chat/services": { given: { query?: { "clinic"?: string; "language"?: "en" | "de" } }; answer: RestSchemas["ChatServicesOutput"] };
  /** Open times of a day, or the soonest */
  "GET /chat/times": { given: { query?: { "clinic"?: string; "count"?: number; "language"?: "en" | "de"; "part_of_day"?: "morning" | "afternoon"; "practitioner"?: number; "service"?: number; "when"?: string } }; answer: RestSchemas["ChatTimesOutput"] };
  /** The visits ahead, by phone and code */
  "POST /chat/visits": { given: { body: RestSchemas["ChatVisitsInputRequest"] }; answer: RestSchemas["ChatVisitsOutput"] };
  /** Wait for a free time */
  "POST /chat/waitlist": { given: { body: RestSchemas["ChatWaitInputRequest"] }; answer: RestSchemas["ChatWaitOutput"] };
  /** The clinic: name, zone, policy (without a token: what one needs in order to book) */
  "GET /clinic": { given: { query?: { "clinic"?: string } }; answer: RestSchemas["ClinicOutput"] };
  /** Change name, zone, policy (the owner) */
  "PATCH /clinic": { given: { body?: RestSchemas["PatchedClinicInputRequest"] }; answer: RestSchemas["ClinicOutput"] };
  /** Walls (the owner) */
  "GET /devices": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedDeviceOutputList"] };
  /** A new wall (the owner) */
  "POST /devices": { given: { body: RestSchemas["DeviceInputRequest"] }; answer: RestSchemas["NewDeviceOutput"] };
  /** A ticket for a wall's stream: one minute */
  "POST /devices/ticket": { given: { body: RestSchemas["DeviceTicketInputRequest"] }; answer: RestSchemas["StreamTicketOutput"] };
  /** Revoke a wall (the owner) */
  "DELETE /devices/{device_id}": { given: { path: { "device_id": number } }; answer: null };
  /** How the service is */
  "GET /health": { given: object; answer: RestSchemas["Health"] };
  /** Every change of every appointment I may see */
  "GET /history": { given: { query?: { "action"?: string; "after"?: string; "appointment"?: number; "from"?: string; "page"?: number; "page_size"?: number; "patient"?: number; "practitioner"?: number; "to"?: string } }; answer: RestSchemas["PaginatedAppointmentEventOutputList"] };
  /** One's own times that are kept at this moment */
  "GET /holds": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedHoldOutputList"] };
  /** Keep a slot for a few minutes */
  "POST /holds": { given: { body?: RestSchemas["HoldInputRequest"] }; answer: RestSchemas["HoldOutput"] };
  /** Let a held slot go */
  "DELETE /holds/{hold_id}": { given: { path: { "hold_id": number } }; answer: null };
  /** Keep a held slot longer, once */
  "POST /holds/{hold_id}/renew": { given: { path: { "hold_id": number }; body?: RestSchemas["HoldReleaseInputRequest"] }; answer: RestSchemas["HoldOutput"] };
  /** Words of every message, by channel and language (the owner) */
  "GET /message-wordings": { given: object; answer: RestSchemas["WordingsOutput"] };
  /** Back to the standard wording (the owner) */
  "DELETE /message-wordings/{template}/{channel}/{language}": { given: { path: { "channel": string; "language": string; "template": string } }; answer: null };
  /** Words of one message (the owner) */
  "GET /message-wordings/{template}/{channel}/{language}": { given: { path: { "channel": string; "language": string; "template": string } }; answer: RestSchemas["WordingOutput"] };
  /** Write the clinic's own words (the owner) */
  "PUT /message-wordings/{template}/{channel}/{language}": { given: { path: { "channel": string; "language": string; "template": string }; body: RestSchemas["WordingInputRequest"] }; answer: RestSchemas["WordingOutput"] };
  /** All that the clinic has told, or will tell, anybody */
  "GET /messages": { given: { query?: { "after"?: string; "appointment"?: number; "channel"?: "sms" | "email" | "in_app" | "push"; "from"?: string; "page"?: number; "page_size"?: number; "patient"?: number; "recipient"?: string; "state"?: string; "to"?: string } }; answer: RestSchemas["PaginatedMessageOutputList"] };
  /** Messages of a patient or phone, in both directions */
  "GET /messages/conversation": { given: { query?: { "patient"?: number; "phone"?: string } }; answer: Array<RestSchemas["LineOutput"]> };
  /** Conversations with patients */
  "GET /messages/conversations": { given: { query?: { "before"?: string; "search"?: string } }; answer: RestSchemas["ConversationsOutput"] };
  /** Send a message again that was not delivered */
  "POST /messages/{message_id}/send-again": { given: { path: { "message_id": number } }; answer: RestSchemas["MessageOutput"] };
  /** Withdraw the reply to a received SMS */
  "DELETE /messages/{received_id}/reply": { given: { path: { "received_id": number } }; answer: null };
  /** Reply to a received SMS */
  "POST /messages/{received_id}/reply": { given: { path: { "received_id": number }; body: RestSchemas["ReplyInputRequest"] }; answer: RestSchemas["LineOutput"] };
  /** Let a received SMS wait again */
  "DELETE /messages/{received_id}/settle": { given: { path: { "received_id": number } }; answer: null };
  /** Put a received SMS aside */
  "POST /messages/{received_id}/settle": { given: { path: { "received_id": number } }; answer: RestSchemas["LineOutput"] };
  /** Own notifications, the newest first */
  "GET /notifications": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number; "unread"?: boolean } }; answer: RestSchemas["PaginatedNotificationOutputList"] };
  /** All notifications have been read */
  "POST /notifications/read-all": { given: object; answer: RestSchemas["ReadAllOutput"] };
  /** This notification has been read */
  "POST /notifications/{notification_id}/read": { given: { path: { "notification_id": number } }; answer: RestSchemas["NotificationOutput"] };
  /** Patients of the clinic, by name (owner, staff; a practitioner: their own) */
  "GET /patients": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number; "search"?: string } }; answer: RestSchemas["PaginatedPatientOutputList"] };
  /** A new patient record */
  "POST /patients": { given: { body: RestSchemas["PatientInputRequest"] }; answer: RestSchemas["PatientOutput"] };
  /** Patients to book for, with their next visit, missed visits and alert */
  "GET /patients/matches": { given: { query?: { "patient"?: number; "search"?: string } }; answer: Array<RestSchemas["PatientMatchOutput"]> };
  /** One patient */
  "GET /patients/{patient_id}": { given: { path: { "patient_id": number } }; answer: RestSchemas["PatientOutput"] };
  /** Change name, e-mail, phone, preferences */
  "PATCH /patients/{patient_id}": { given: { path: { "patient_id": number }; body?: RestSchemas["PatchedPatientEditInputRequest"] }; answer: RestSchemas["PatientOutput"] };
  /** Links and merges of a record (owner, staff) */
  "GET /patients/{patient_id}/history": { given: { path: { "patient_id": number } }; answer: Array<RestSchemas["PatientEventOutput"]> };
  /** Link a record to an account (owner, staff) */
  "POST /patients/{patient_id}/link": { given: { path: { "patient_id": number }; body: RestSchemas["LinkInputRequest"] }; answer: RestSchemas["PatientOutput"] };
  /** Merge a record into another one (owner, staff) */
  "POST /patients/{patient_id}/merge": { given: { path: { "patient_id": number }; body: RestSchemas["MergeInputRequest"] }; answer: RestSchemas["MergeOutput"] };
  /** A patient with visits, messages, waitlist and family */
  "GET /patients/{patient_id}/overview": { given: { path: { "patient_id": number } }; answer: RestSchemas["OverviewOutput"] };
  /** Records that may be the same person (owner, staff) */
  "GET /patients/{patient_id}/possible-duplicates": { given: { path: { "patient_id": number } }; answer: Array<RestSchemas["PossibleDuplicateOutput"]> };
  /** Say that two records are two people (owner, staff) */
  "DELETE /patients/{patient_id}/possible-duplicates/{other_id}": { given: { path: { "other_id": number; "patient_id": number } }; answer: null };
  /** Part a record from an account (owner, staff) */
  "POST /patients/{patient_id}/unlink": { given: { path: { "patient_id": number }; body?: RestSchemas["UnlinkInputRequest"] }; answer: RestSchemas["PatientOutput"] };
  /** A photo */
  "GET /photos/{photo}": { given: { path: { "photo": string } }; answer: null };
  /** Practitioners */
  "GET /practitioners": { given: { query?: { "active"?: "true" | "false" | "all"; "after"?: string; "clinic"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedPractitionerOutputList"] };
  /** A new practitioner, with or without an account (the owner) */
  "POST /practitioners": { given: { body: RestSchemas["PractitionerInputRequest"] }; answer: RestSchemas["PractitionerOutput"] };
  /** Deactivate a practitioner (the owner) */
  "DELETE /practitioners/{practitioner_id}": { given: { path: { "practitioner_id": number }; query?: { "appointments"?: "cancel" | "keep"; "move_to"?: number; "outside_hours"?: boolean; "reason"?: string } }; answer: null };
  /** One practitioner */
  "GET /practitioners/{practitioner_id}": { given: { path: { "practitioner_id": number }; query?: { "clinic"?: string } }; answer: RestSchemas["PractitionerOutput"] };
  /** Change or deactivate a practitioner (the owner) */
  "PATCH /practitioners/{practitioner_id}": { given: { path: { "practitioner_id": number }; body?: RestSchemas["PatchedPractitionerEditInputRequest"] }; answer: RestSchemas["PractitionerOutput"] };
  /** Weekly hours and exceptions of a practitioner */
  "GET /practitioners/{practitioner_id}/availability": { given: { path: { "practitioner_id": number }; query?: { "clinic"?: string } }; answer: RestSchemas["AvailabilityOutput"] };
  /** Replace the hours of a practitioner (owner, staff, themselves) */
  "PUT /practitioners/{practitioner_id}/availability": { given: { path: { "practitioner_id": number }; body: RestSchemas["AvailabilityInputRequest"] }; answer: RestSchemas["AvailabilityChangedOutput"] };
  /** Be on time again (owner, staff, themselves) */
  "DELETE /practitioners/{practitioner_id}/delay": { given: { path: { "practitioner_id": number } }; answer: null };
  /** How late a practitioner runs today (owner, staff, themselves) */
  "GET /practitioners/{practitioner_id}/delay": { given: { path: { "practitioner_id": number } }; answer: RestSchemas["DelayOutput"] };
  /** Run late today (owner, staff, themselves) */
  "POST /practitioners/{practitioner_id}/delay": { given: { path: { "practitioner_id": number }; body: RestSchemas["DelayInputRequest"] }; answer: RestSchemas["DelayAnnouncedOutput"] };
  /** Open slots of a practitioner */
  "GET /practitioners/{practitioner_id}/slots": { given: { path: { "practitioner_id": number }; query?: { "clinic"?: string; "date"?: string; "from"?: string; "minutes"?: number; "service"?: number; "to"?: string } }; answer: RestSchemas["SlotsOutput"] };
  /** Ask for an appointment without an account */
  "POST /public/bookings": { given: { body: RestSchemas["GuestBookingInputRequest"] }; answer: RestSchemas["GuestBookingMadeOutput"] };
  /** A visit by its reference */
  "GET /public/bookings/{reference}": { given: { path: { "reference": string } }; answer: RestSchemas["GuestBookingOutput"] };
  /** I am here */
  "POST /public/bookings/{reference}/arrive": { given: { path: { "reference": string } }; answer: RestSchemas["GuestBookingOutput"] };
  /** Promise to come */
  "POST /public/bookings/{reference}/attend": { given: { path: { "reference": string } }; answer: RestSchemas["GuestBookingOutput"] };
  /** Cancel by the reference, up to the clinic's cancellation notice */
  "POST /public/bookings/{reference}/cancel": { given: { path: { "reference": string }; body?: RestSchemas["CancelInputRequest"] }; answer: RestSchemas["GuestBookingOutput"] };
  /** Move by the reference to an open time, within the notice */
  "POST /public/bookings/{reference}/move": { given: { path: { "reference": string }; body?: RestSchemas["MoveInputRequest"] }; answer: RestSchemas["GuestBookingOutput"] };
  /** Browsers with web push for this booking */
  "GET /public/bookings/{reference}/push-subscriptions": { given: { path: { "reference": string } }; answer: Array<RestSchemas["PushSubscriptionOutput"]> };
  /** Subscribe a browser to web push for this booking */
  "POST /public/bookings/{reference}/push-subscriptions": { given: { path: { "reference": string }; body: RestSchemas["PushSubscriptionInputRequest"] }; answer: RestSchemas["PushSubscriptionOutput"] };
  /** End web push to a browser for this booking */
  "DELETE /public/bookings/{reference}/push-subscriptions/{subscription_id}": { given: { path: { "reference": string; "subscription_id": number } }; answer: null };
  /** A ticket for the stream of one visit, `sse/visit` and `sse/queue`: one minute */
  "POST /public/bookings/{reference}/stream-ticket": { given: { path: { "reference": string } }; answer: RestSchemas["StreamTicketOutput"] };
  /** Undo the patient's own move or cancellation, within the undo window */
  "POST /public/bookings/{reference}/undo": { given: { path: { "reference": string }; body?: RestSchemas["UndoInputRequest"] }; answer: RestSchemas["GuestBookingOutput"] };
  /** Have a code sent to a phone, to prove that it is yours */
  "POST /public/phone-codes": { given: { body: RestSchemas["PhoneCodeInputRequest"] }; answer: RestSchemas["PhoneCodeOutput"] };
  /** My browsers with web push */
  "GET /push-subscriptions": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedPushSubscriptionOutputList"] };
  /** Subscribe a browser to web push */
  "POST /push-subscriptions": { given: { body: RestSchemas["PushSubscriptionInputRequest"] }; answer: RestSchemas["PushSubscriptionOutput"] };
  /** The public key of web push */
  "GET /push-subscriptions/key": { given: object; answer: RestSchemas["PushKeyOutput"] };
  /** End web push to one of my browsers */
  "DELETE /push-subscriptions/{subscription_id}": { given: { path: { "subscription_id": number } }; answer: null };
  /** The same figures by week and practitioner, as CSV for a spreadsheet */
  "GET /reports/export.csv": { given: { query?: { "from"?: string; "practitioner"?: number; "to"?: string } }; answer: null };
  /** Figures of some days, compared with the period before (owner, staff) */
  "GET /reports/summary": { given: { query?: { "from"?: string; "practitioner"?: number; "to"?: string } }; answer: RestSchemas["ReportOutput"] };
  /** Days off and other hours (owner, staff; a practitioner: their own and the clinic's) */
  "GET /schedule-exceptions": { given: { query?: { "after"?: string; "from"?: string; "page"?: number; "page_size"?: number; "practitioner"?: number; "to"?: string } }; answer: RestSchemas["PaginatedScheduleExceptionOutputList"] };
  /** A day off or other hours, of a practitioner or the whole clinic */
  "POST /schedule-exceptions": { given: { body: RestSchemas["ScheduleExceptionInputRequest"] }; answer: RestSchemas["ExceptionChangedOutput"] };
  /** Visits in the way of a closure or of other hours, with free times to move them to */
  "GET /schedule-exceptions/conflicts": { given: { query: { "closed"?: boolean | null; "end"?: string | null; "end_date"?: string; "practitioner"?: number | null; "start"?: string | null; "start_date": string } }; answer: RestSchemas["ConflictsOutput"] };
  /** Take an exception away */
  "DELETE /schedule-exceptions/{exception_id}": { given: { path: { "exception_id": number }; query?: { "force"?: boolean } }; answer: null };
  /** One exception */
  "GET /schedule-exceptions/{exception_id}": { given: { path: { "exception_id": number } }; answer: RestSchemas["ScheduleExceptionOutput"] };
  /** Change an exception */
  "PATCH /schedule-exceptions/{exception_id}": { given: { path: { "exception_id": number }; body?: RestSchemas["PatchedScheduleExceptionEditInputRequest"] }; answer: RestSchemas["ExceptionChangedOutput"] };
  /** Services */
  "GET /services": { given: { query?: { "active"?: "true" | "false" | "all"; "after"?: string; "clinic"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedServiceOutputList"] };
  /** A new service (the owner) */
  "POST /services": { given: { body: RestSchemas["ServiceInputRequest"] }; answer: RestSchemas["ServiceOutput"] };
  /** Offer a service no more (the owner); what is booked stays */
  "DELETE /services/{service_id}": { given: { path: { "service_id": number } }; answer: null };
  /** One service */
  "GET /services/{service_id}": { given: { path: { "service_id": number }; query?: { "clinic"?: string } }; answer: RestSchemas["ServiceOutput"] };
  /** Change a service (the owner); what is booked keeps its length */
  "PATCH /services/{service_id}": { given: { path: { "service_id": number }; body?: RestSchemas["PatchedServiceEditInputRequest"] }; answer: RestSchemas["ServiceOutput"] };
  /** Open slots of anybody who offers the service */
  "GET /slots": { given: { query?: { "clinic"?: string; "date"?: string; "from"?: string; "minutes"?: number; "service"?: number; "to"?: string } }; answer: RestSchemas["AnySlotsOutput"] };
  /** The next open times of all who offer a service */
  "GET /slots/soonest": { given: { query?: { "clinic"?: string; "count"?: number; "from"?: string; "minutes"?: number; "part_of_day"?: "morning" | "afternoon"; "practitioner"?: number; "service"?: number; "to"?: string } }; answer: RestSchemas["SoonestOutput"] };
  /** Who works at the clinic (the owner) */
  "GET /staff": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedStaffOutputList"] };
  /** A new account (the owner) */
  "POST /staff": { given: { body: RestSchemas["NewStaffInputRequest"] }; answer: RestSchemas["StaffOutput"] };
  /** Deactivate: they cannot sign in any more (the owner) */
  "DELETE /staff/{user_id}": { given: { path: { "user_id": number } }; answer: null };
  /** One person of the clinic (the owner) */
  "GET /staff/{user_id}": { given: { path: { "user_id": number } }; answer: RestSchemas["StaffOutput"] };
  /** Change name, role, practitioner, or whether they may sign in (the owner) */
  "PATCH /staff/{user_id}": { given: { path: { "user_id": number }; body?: RestSchemas["PatchedStaffEditInputRequest"] }; answer: RestSchemas["StaffOutput"] };
  /** Send the invitation again, or a link to set another password (the owner) */
  "POST /staff/{user_id}/invite": { given: { path: { "user_id": number } }; answer: null };
  /** Remove somebody's photo (the owner) */
  "DELETE /staff/{user_id}/photo": { given: { path: { "user_id": number } }; answer: RestSchemas["StaffOutput"] };
  /** Set somebody's photo (the owner) */
  "POST /staff/{user_id}/photo": { given: { path: { "user_id": number } }; answer: RestSchemas["StaffOutput"] };
  /** The server's time and the clinic's */
  "GET /time/now": { given: { query?: { "clinic"?: string } }; answer: RestSchemas["Now"] };
  /** Sign in */
  "POST /token": { given: { body: RestSchemas["SignInInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** Sign out: end a refresh token */
  "POST /token/blacklist": { given: { body: RestSchemas["RefreshInputRequest"] }; answer: null };
  /** New tokens for a refresh token */
  "POST /token/refresh": { given: { body: RestSchemas["RefreshInputRequest"] }; answer: RestSchemas["TokenPairOutput"] };
  /** Check a token */
  "POST /token/verify": { given: { body: RestSchemas["TokenInputRequest"] }; answer: null };
  /** What became of an SMS: signed by Twilio */
  "POST /twilio/status": { given: object; answer: null };
  /** An SMS has come in: signed by Twilio, answered in TwiML */
  "POST /twilio/webhook": { given: object; answer: null };
  /** My account */
  "GET /users/me": { given: object; answer: RestSchemas["OwnProfileOutput"] };
  /** Change my name, e-mail, phone, preferences */
  "PATCH /users/me": { given: { body?: RestSchemas["PatchedOwnProfileInputRequest"] }; answer: RestSchemas["OwnProfileOutput"] };
  /** Change my name, e-mail, phone, preferences */
  "PUT /users/me": { given: { body: RestSchemas["OwnProfileInputRequest"] }; answer: RestSchemas["OwnProfileOutput"] };
  /** People I book for (a patient) */
  "GET /users/me/family": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedFamilyMemberOutputList"] };
  /** Book for one more person (a patient) */
  "POST /users/me/family": { given: { body: RestSchemas["FamilyMemberInputRequest"] }; answer: RestSchemas["FamilyMemberOutput"] };
  /** Book no more for a person (a patient) */
  "DELETE /users/me/family/{member_id}": { given: { path: { "member_id": number } }; answer: null };
  /** One person I book for (a patient) */
  "GET /users/me/family/{member_id}": { given: { path: { "member_id": number } }; answer: RestSchemas["FamilyMemberOutput"] };
  /** Correct name or birth date of a person I book for (a patient) */
  "PATCH /users/me/family/{member_id}": { given: { path: { "member_id": number }; body?: RestSchemas["PatchedFamilyMemberEditInputRequest"] }; answer: RestSchemas["FamilyMemberOutput"] };
  /** Remove my photo */
  "DELETE /users/me/photo": { given: object; answer: RestSchemas["UserOutput"] };
  /** Set my photo */
  "POST /users/me/photo": { given: object; answer: RestSchemas["UserOutput"] };
  /** My active sign-ins */
  "GET /users/me/sessions": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number } }; answer: RestSchemas["PaginatedSignInOutputList"] };
  /** End one of my sign-ins */
  "DELETE /users/me/sessions/{sign_in}": { given: { path: { "sign_in": string } }; answer: null };
  /** Who waits, in the order in which they are asked */
  "GET /waitlist": { given: { query?: { "after"?: string; "page"?: number; "page_size"?: number; "patient"?: number; "practitioner"?: number; "state"?: "waiting" | "offered" | "booked" | "withdrawn" | "lapsed" | "all" } }; answer: RestSchemas["PaginatedEntryOutputList"] };
  /** Wait for a time */
  "POST /waitlist": { given: { body: RestSchemas["EntryInputRequest"] }; answer: RestSchemas["EntryOutput"] };
  /** Free time of a day (owner, staff) */
  "GET /waitlist/gaps": { given: { query?: { "date"?: string } }; answer: RestSchemas["GapsOutput"] };
  /** Offer free time to the waitlist (owner, staff) */
  "POST /waitlist/gaps/offer": { given: { body: RestSchemas["GapInputRequest"] }; answer: RestSchemas["GapOfferedOutput"] };
  /** What is offered */
  "GET /waitlist/offers/{token}": { given: { path: { "token": string } }; answer: RestSchemas["OfferOutput"] };
  /** Take the offered time */
  "POST /waitlist/offers/{token}/accept": { given: { path: { "token": string } }; answer: RestSchemas["OfferOutput"] };
  /** Leave the offered time to the next */
  "POST /waitlist/offers/{token}/decline": { given: { path: { "token": string } }; answer: RestSchemas["OfferOutput"] };
  /** The waitlist, with the free times that suit each entry */
  "GET /waitlist/overview": { given: object; answer: RestSchemas["WaitlistOutput"] };
  /** Wait no longer */
  "DELETE /waitlist/{entry_id}": { given: { path: { "entry_id": number } }; answer: null };
  /** One entry of the waitlist, with its open offer */
  "GET /waitlist/{entry_id}": { given: { path: { "entry_id": number } }; answer: RestSchemas["EntryOutput"] };
  /** Wait for something else */
  "PATCH /waitlist/{entry_id}": { given: { path: { "entry_id": number }; body?: RestSchemas["PatchedEntryEditInputRequest"] }; answer: RestSchemas["EntryOutput"] };
  /** Take back the open offer of an entry (the clinic) */
  "DELETE /waitlist/{entry_id}/offer": { given: { path: { "entry_id": number } }; answer: null };
  /** Offer a free time to an entry (the clinic) */
  "POST /waitlist/{entry_id}/offer": { given: { path: { "entry_id": number }; body: RestSchemas["OfferInputRequest"] }; answer: RestSchemas["EntryOutput"] };
}
