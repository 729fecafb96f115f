-- The in-app inbox, and at the same time the proof that a reminder was delivered: one row per reminder, time and channel.
CREATE TABLE notifications (
  id            uuid PRIMARY KEY,
  reminder_id   uuid NOT NULL,
  task_id       uuid NOT NULL,
  user_id       uuid NOT NULL,
  channel       text NOT NULL CHECK (channel IN ('in-app')),
  title         text NOT NULL,
  body          text NOT NULL,
  scheduled_for timestamptz(3) NOT NULL,
  fired_at      timestamptz(3) NOT NULL,
  -- Delivered noticeably after its time, e.g. because the system was down then.
  late          boolean NOT NULL,
  UNIQUE (reminder_id, scheduled_for, channel)
);
-- Newest first, with the id to make a keyset cursor exact.
CREATE INDEX notifications_inbox ON notifications (user_id, fired_at DESC, id DESC);
