/** Looks every 20 ms until `condition` holds; fails naming `what` after `timeout` ms. */
export const eventually = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = 20_000,
): Promise<void> => {
  const deadline = Date.now() + timeout
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`within ${timeout} ms it did not happen that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
