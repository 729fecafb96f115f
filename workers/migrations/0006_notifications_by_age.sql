-- The age by which old notifications leave the in-app inbox (workers/notification/retention.ts).
CREATE INDEX notifications_fired ON notifications (fired_at);
