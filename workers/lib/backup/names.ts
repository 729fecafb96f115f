import { z } from 'zod'

/** A path in a destination: no way out of the folder, nothing an object store would have to escape. */
export const pathSchema = z
  .string()
  .max(900)
  .regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, 'letters, digits, ".", "_" and "-", in parts separated by "/"')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'must not leave its folder')

/** What a topic is called in a backup: its alias, or for a dead-letter topic the alias with `.dlq`. */
export const topicAliasSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z0-9_-]*(\.dlq)?$/)
