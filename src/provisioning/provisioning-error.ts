/** The file says something that cannot be; its message names the place. */
export class ProvisioningError extends Error {
  override readonly name = "ProvisioningError";
  /** Survives the way from a worker process to the supervisor. */
  readonly code = "PROVISIONING_FAILED";
}
