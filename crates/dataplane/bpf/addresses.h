/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Whose an address is: the interface's own, that of an exempt peer, of everybody.
 */
#ifndef RAVELIN_ADDRESSES_H
#define RAVELIN_ADDRESSES_H

#include "packet.h"

static __always_inline bool is_allowed(__u32 slot, const __u8 *bytes)
{
	struct allowed_key key = { .prefix_bits = 32 + 128, .slot = slot };

	__builtin_memcpy(key.address, bytes, sizeof(key.address));
	return bpf_map_lookup_elem(&allowed, &key);
}

static __always_inline bool is_exempt(const __u8 *bytes)
{
	struct exempt_key key = { .prefix_bits = 128 };

	__builtin_memcpy(key.address, bytes, sizeof(key.address));
	return bpf_map_lookup_elem(&exempt, &key);
}

static __always_inline bool is_zero(const struct address *address)
{
	return !(address->high | address->low);
}

/* Whether an address is one of the interface's own. No interface has the address of zeros. */
static __always_inline bool is_own(const struct interface *interface, __u32 slot, const struct address *address,
				   const __u8 *bytes)
{
	if (equal(address, &interface->ipv4))
		return true;
	if (is_zero(address))
		return false;
	if (equal(address, &interface->ipv6) || equal(address, &interface->link_local))
		return true;
	return interface->flags & INTERFACE_FURTHER_ADDRESSES && is_allowed(slot, bytes);
}

/* Whether a destination is everybody's: multicast, or the broadcast address of IPv4. */
static __always_inline bool is_for_all(const struct packet *packet, const struct address *address)
{
	if (packet->ipv6)
		return address->high >> 56 == 0xff;
	return (address->low & 0xf0000000) == 0xe0000000 || (__u32)address->low == 0xffffffff;
}

#endif
