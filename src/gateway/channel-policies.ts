import type { Role } from './types.js'

/** The channel policies that a client of a peer meets; each is `ANY` of the organizations' policies of the same name. */
export type ChannelPolicy = 'Readers' | 'Writers'

const rolesOf: Record<ChannelPolicy, ReadonlySet<Role>> = {
  Readers: new Set<Role>(['admin', 'peer', 'client']),
  Writers: new Set<Role>(['admin', 'client']),
}

/** Whether a member with `role` satisfies the policy, as the policies of Fabric's test network have it. */
export const satisfies = (role: Role, policy: ChannelPolicy): boolean => rolesOf[policy].has(role)

/** Fabric's text for a signer who does not satisfy a policy of the channel. */
export const unsatisfied = (policy: ChannelPolicy): string =>
  'implicit policy evaluation failed - 0 sub-policies were satisfied, ' +
  `but this policy requires 1 of the '${policy}' sub-policies to be satisfied`

/** The same, as a peer words it when it checks a request on a channel. */
export const accessDenied = (channelId: string, policy: ChannelPolicy): string =>
  `Failed evaluating policy on signed data during check policy on channel [${channelId}] ` +
  `with policy [/Channel/Application/${policy}]: [${unsatisfied(policy)}]`
