/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Fragments: the ports of a datagram's first fragment are kept, and its other fragments are packets of the same
 * flow. An interface has a small table of its own, and so can spoil nobody else's. It holds as well that the interface
 * has asked for a DHCP server just now.
 */
#ifndef RAVELIN_FRAGMENTS_H
#define RAVELIN_FRAGMENTS_H

#include "packet.h"

#define FRAGMENT_SECONDS_MAX 30
#define REQUEST_SECONDS_MAX 10
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

static __always_inline struct sip sip_begin(const struct settings *limits)
{
	struct sip sip = {
		.v0 = limits->seed[0] ^ 0x736f6d6570736575ULL,
		.v1 = limits->seed[1] ^ 0x646f72616e646f6dULL,
		.v2 = limits->seed[0] ^ 0x6c7967656e657261ULL,
		.v3 = limits->seed[1] ^ 0x7465646279746573ULL,
	};

	return sip;
}

/* SipHash-1-3 (Aumasson and Bernstein 2012) of what the fragments of one datagram have in common, not finished:
 * whoever does not know the seed cannot find another datagram with the same. */
static __always_inline struct sip identity(const struct settings *limits, const struct packet *packet)
{
	struct sip sip = sip_begin(limits);

	sip_absorb(&sip, (__u64)packet->key.id << 32 | packet->fragment_id);
	sip_absorb(&sip, packet->egress | packet->ipv6 << 8 | packet->key.protocol << 16);
	sip_absorb(&sip, packet->local.high);
	sip_absorb(&sip, packet->local.low);
	sip_absorb(&sip, packet->remote.high);
	sip_absorb(&sip, packet->remote.low);
	return sip;
}

/* What stands for an interface's request to every DHCP server of the link, in the table of fragments: no datagram has
 * it. */
static __always_inline struct sip request_identity(const struct settings *limits, const struct packet *packet)
{
	struct sip sip = sip_begin(limits);

	sip_absorb(&sip, (__u64)packet->key.id << 32);
	sip_absorb(&sip, 1 << 24 | packet->ipv6 << 8);
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

static __always_inline __u32 now_seconds(void)
{
	return bpf_ktime_get_coarse_ns() / SECOND_NS;
}

static __always_inline void keep(struct fragment *place, struct sip sip, __u16 local, __u16 remote)
{
	__u64 content = (__u64)local << 48 | (__u64)remote << 32 | now_seconds();

	WRITE_ONCE(place->content, content);
	WRITE_ONCE(place->tag, tag_of(sip, content));
}

/* Whether a place holds this, not older than some seconds. */
static __always_inline bool holds(const struct fragment *place, struct sip sip, __u32 seconds_max, __u64 *content)
{
	*content = READ_ONCE(place->content);
	return READ_ONCE(place->tag) == tag_of(sip, *content) && now_seconds() - (__u32)*content <= seconds_max;
}

/* Keeps the ports of a first fragment that has passed: of ICMP the identifier, and the type as remote port. A
 * function of its own to the verifier. */
__noinline __u32 keep_first(struct packet *packet)
{
	struct settings *limits = find_settings();
	struct fragment *place;
	struct sip sip;
	__u16 second;

	if (!packet || !limits)
		return REASON_INTERNAL;
	sip = identity(limits, packet);
	place = find_place(packet, sip);
	if (!place)
		return REASON_INTERNAL;
	second = is_icmp(packet) ? packet->key.icmp_type : packet->key.remote_port;
	keep(place, sip, packet->key.local_port, second);
	return REASON_NONE;
}

/* Gives a later fragment the ports of its first one. A function of its own to the verifier. */
__noinline __u32 find_first(struct packet *packet)
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
	if (!holds(place, sip, FRAGMENT_SECONDS_MAX, &content))
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

/* Notes that the interface asks every DHCP server of the link. A function of its own to the verifier. */
__noinline __u32 keep_request(struct packet *packet)
{
	struct settings *limits = find_settings();
	struct fragment *place;
	struct sip sip;

	if (!packet || !limits)
		return REASON_INTERNAL;
	sip = request_identity(limits, packet);
	place = find_place(packet, sip);
	if (!place)
		return REASON_INTERNAL;
	keep(place, sip, 0, 0);
	return REASON_NONE;
}

/* Whether it has asked just before. A function of its own to the verifier. */
__noinline __u32 has_requested(struct packet *packet)
{
	struct settings *limits = find_settings();
	struct fragment *place;
	struct sip sip;
	__u64 content;

	if (!packet || !limits)
		return false;
	sip = request_identity(limits, packet);
	place = find_place(packet, sip);
	return place && holds(place, sip, REQUEST_SECONDS_MAX, &content);
}

#endif
