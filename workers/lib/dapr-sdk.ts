/**
 * What is used of `@dapr/dapr`, as a module of our own: it is the thing to import on demand. The SDK is CommonJS, and a bundler that
 * splits on dynamic imports gives such a package no named exports, only `default`; through static names here it cannot.
 */
export { DaprClient, LogLevel, StateConcurrencyEnum, StateConsistencyEnum } from '@dapr/dapr'
