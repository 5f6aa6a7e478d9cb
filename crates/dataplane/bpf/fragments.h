/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Fragments: the ports of a datagram's first fragment are kept, and its other fragments are packets of the same
 * flow. An interface has a small table of its own, and so can spoil nobody else's.
 */
#ifndef RAVELIN_FRAGMENTS_H
#define RAVELIN_FRAGMENTS_H

#include "packet.h"

#define FRAGMENT_SECONDS_MAX 30
#define SECOND_NS 1000000000ULL

struct sip {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 rotate(__u64 word, __u32 bits)
{
	return word << bits | word >> (64 - bits);
}

static __always_inline void sip_round(struct sip *sip)
{
	sip->v0 += sip->v1;
	sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
	sip->v0 = rotate(sip->v0, 32);
	sip->v2 += sip->v3;
	sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
	sip->v0 += sip->v3;
	sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
	sip->v2 += sip->v1;
	sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
	sip->v2 = rotate(sip->v2, 32);
}

static __always_inline void sip_absorb(struct sip *sip, __u64 word)
{
	sip->v3 ^= word;
	sip_round(sip);
	sip->v0 ^= word;
}

static __always_inline __u64 sip_finish(struct sip sip)
{
	sip.v2 ^= 0xff;
	sip_round(&sip);
	sip_round(&sip);
	sip_round(&sip);
	return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

/* SipHash-1-3 (Aumasson and Bernstein 2012) of what the fragments of one datagram have in common, not finished:
 * whoever does not know the seed cannot find another datagram with the same. */
static __always_inline struct sip identity(const struct settings *limits, const struct packet *packet)
{
	struct sip sip = {
		.v0 = limits->seed[0] ^ 0x736f6d6570736575ULL,
		.v1 = limits->seed[1] ^ 0x646f72616e646f6dULL,
		.v2 = limits->seed[0] ^ 0x6c7967656e657261ULL,
		.v3 = limits->seed[1] ^ 0x7465646279746573ULL,
	};

	sip_absorb(&sip, (__u64)packet->key.id << 32 | packet->fragment_id);
	sip_absorb(&sip, packet->egress | packet->ipv6 << 8 | packet->key.protocol << 16);
	sip_absorb(&sip, packet->local.high);
	sip_absorb(&sip, packet->local.low);
	sip_absorb(&sip, packet->remote.high);
	sip_absorb(&sip, packet->remote.low);
	return sip;
}

static __always_inline struct fragment *find_place(const struct packet *packet, struct sip sip)
{
	__u32 at = packet->slot * FRAGMENTS_PER_SLOT + sip_finish(sip) % FRAGMENTS_PER_SLOT;

	return bpf_map_lookup_elem(&fragments, &at);
}

/* A tag belongs to one content, so that halves of two entries are none. */
static __always_inline __u64 tag_of(struct sip sip, __u64 content)
{
	sip_absorb(&sip, content);
	return sip_finish(sip);
}

/* Keeps the ports of a first fragment that has passed: of ICMP the identifier, and the type as remote port. A
 * function of its own to the verifier. */
__noinline __u32 keep_first(struct packet *packet)
{
	struct settings *limits = find_settings();
	struct fragment *place;
	struct sip sip;
	__u64 content;
	__u16 second;

	if (!packet || !limits)
		return REASON_INTERNAL;
	sip = identity(limits, packet);
	place = find_place(packet, sip);
	if (!place)
		return REASON_INTERNAL;
	second = is_icmp(packet) ? packet->key.icmp_type : packet->key.remote_port;
	content = (__u64)packet->key.local_port << 48 | (__u64)second << 32 |
		  (__u32)(bpf_ktime_get_coarse_ns() / SECOND_NS);
	WRITE_ONCE(place->content, content);
	WRITE_ONCE(place->tag, tag_of(sip, content));
	return REASON_NONE;
}

/* Gives a later fragment the ports of its first one. A function of its own to the verifier. */
__noinline __u32 find_first(struct packet *packet)
{
	struct settings *limits = find_settings();
	struct fragment *place;
	struct sip sip;
	__u64 content;
	__u32 age;
	__u16 second;

	if (!packet || !limits)
		return REASON_INTERNAL;
	sip = identity(limits, packet);
	place = find_place(packet, sip);
	if (!place)
		return REASON_INTERNAL;
	content = READ_ONCE(place->content);
	if (READ_ONCE(place->tag) != tag_of(sip, content))
		return REASON_FRAGMENT;
	age = (__u32)(bpf_ktime_get_coarse_ns() / SECOND_NS) - (__u32)content;
	if (age > FRAGMENT_SECONDS_MAX)
		return REASON_FRAGMENT;
	second = content >> 32;
	packet->key.local_port = content >> 48;
	packet->key.remote_port = second;
	if (is_icmp(packet)) {
		packet->key.icmp_type = second;
		packet->key.remote_port = packet->key.local_port;
	}
	return REASON_NONE;
}

#endif
