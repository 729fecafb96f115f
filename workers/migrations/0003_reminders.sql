-- The reminders of tasks as the notification worker last heard of them. No foreign key to tasks: the worker lives from
-- events alone, and an event may arrive after the task it tells of is gone.

-- One row per task with the newest version that was taken in. Locking it orders all changes of the task's reminders; an
-- event with a version that is not higher is old or a repetition and changes nothing.
CREATE TABLE reminder_tasks (
  task_id  uuid PRIMARY KEY,
  user_id  uuid NOT NULL,
  version  integer NOT NULL CHECK (version >= 1),
  title    text NOT NULL,
  due_at   timestamptz(3),
  timezone text NOT NULL
);

CREATE TABLE reminders (
  id            uuid PRIMARY KEY,
  task_id       uuid NOT NULL REFERENCES reminder_tasks (task_id),
  user_id       uuid NOT NULL,
  scheduled_for timestamptz(3) NOT NULL,
  state         text NOT NULL CHECK (state IN ('pending', 'fired', 'cancelled')),
  fired_at      timestamptz(3),
  -- Of the change that set the reminder, so that what fires days later can be traced back to it.
  correlation_id text NOT NULL,
  CHECK ((state = 'fired') = (fired_at IS NOT NULL))
);
CREATE INDEX reminders_task ON reminders (task_id);
-- The scheduler's only question: what is due next. Fired and cancelled rows cost it nothing.
CREATE INDEX reminders_pending ON reminders (scheduled_for) WHERE state = 'pending';
