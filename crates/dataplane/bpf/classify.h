/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Which rule decides: the sets of rules that fit protocol, addresses and ports are found in the plan's tables, and
 * the first rule that is in all of them decides. The cost does not grow with rules, but for the binary searches'
 * logarithm.
 */
#ifndef RAVELIN_CLASSIFY_H
#define RAVELIN_CLASSIFY_H

#include "packet.h"

/* A verdict is a word: the deciding rule in its low half, and these. */
#define VERDICT_ACCEPT (1ULL << 32)
#define VERDICT_BROKEN (1ULL << 33) /* the plan is not what the class says */

#define LOOKUP_FAILED 0xffffffffffffffffULL
#define SEARCH_STEPS 12 /* halves TABLE_ENTRIES_MAX entries to one */

static __always_inline __u64 *arena_word(__u32 at)
{
	return bpf_map_lookup_elem(&arena, &at);
}

/* 1 where one is below the other, without a branch: the verifier follows every branch of a loop on its own. */
static __always_inline __u64 below(__u64 one, __u64 other)
{
	/* A compiler that knows how large they are would make a branch of it. */
	asm volatile("" : "+r"(one), "+r"(other));
	return ((~one & other) | ((~one | other) & (one - other))) >> 63;
}

/* The offset of the row of an address. An empty table has none. A function of its own to the verifier, as the next
 * one is. */
__noinline __u64 address_row(__u32 plan, __u64 table, __u64 address_high, __u64 address_low)
{
	__u32 count = table, entries = plan + (table >> 32), at = 0;
	__u64 *row;
	int step;

	if (count == 0 || count > TABLE_ENTRIES_MAX)
		return LOOKUP_FAILED;
	for (step = 0; step < SEARCH_STEPS; step++) {
		__u32 half = count >> 1;
		__u64 *high, *low, after, same;

		if (count <= 1)
			break;
		high = arena_word(entries + (at + half) * ADDRESS_ENTRY_WORDS);
		low = arena_word(entries + (at + half) * ADDRESS_ENTRY_WORDS + 1);
		if (!high || !low)
			return LOOKUP_FAILED;
		/* The entry begins after the address: higher, or equally high and lower. */
		after = below(address_high, *high);
		same = 1 - (after | below(*high, address_high));
		after |= same & below(address_low, *low);
		asm volatile("" : "+r"(after));
		at += half & ((__u32)after - 1);
		count -= half;
	}
	row = arena_word(entries + at * ADDRESS_ENTRY_WORDS + 2);
	return row ? (__u32)*row : LOOKUP_FAILED;
}

/* The offset of the row of a port. */
__noinline __u64 port_row(__u32 plan, __u64 table, __u32 port)
{
	__u32 count = table, entries = plan + (table >> 32), at = 0;
	__u64 *row;
	int step;

	if (count == 0 || count > TABLE_ENTRIES_MAX)
		return LOOKUP_FAILED;
	for (step = 0; step < SEARCH_STEPS; step++) {
		__u32 half = count >> 1;
		__u64 *entry, after;

		if (count <= 1)
			break;
		entry = arena_word(entries + at + half);
		if (!entry)
			return LOOKUP_FAILED;
		after = below(port, *entry >> 32);
		asm volatile("" : "+r"(after));
		at += half & ((__u32)after - 1);
		count -= half;
	}
	row = arena_word(entries + at);
	return row ? (__u32)*row : LOOKUP_FAILED;
}

/* The place of the lowest bit that is set, without a branch. */
static __always_inline __u32 lowest_bit(__u64 bits)
{
	__u64 ones = (bits & -bits) - 1;

	ones -= (ones >> 1) & 0x5555555555555555ULL;
	ones = (ones & 0x3333333333333333ULL) + ((ones >> 2) & 0x3333333333333333ULL);
	ones = (ones + (ones >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (ones * 0x0101010101010101ULL) >> 56;
}

static __always_inline __u32 kind(const struct packet *packet)
{
	switch (packet->key.protocol) {
	case PROTOCOL_TCP:
		return KIND_TCP;
	case PROTOCOL_UDP:
		return KIND_UDP;
	case PROTOCOL_ICMP:
		return packet->ipv6 ? KIND_OTHER : KIND_ICMP;
	case PROTOCOL_ICMPV6:
		return packet->ipv6 ? KIND_ICMPV6 : KIND_OTHER;
	case PROTOCOL_GRE:
		return KIND_GRE;
	default:
		return KIND_OTHER;
	}
}

/* The first rule that fits, its number of all the rules where none does, or LOOKUP_FAILED. */
static __always_inline __u64 first_rule(const struct packet *packet, __u32 plan, __u32 header, __u64 shape)
{
	__u64 *remote, *local, *remote_ports, *local_ports, *protocols;
	__u64 rows[5];
	__u16 remote_port = 0, local_port = 0;
	__u32 width = shape >> 32, at;

	if (is_tcp(packet) || packet->key.protocol == PROTOCOL_UDP) {
		remote_port = packet->key.remote_port;
		local_port = packet->key.local_port;
	}
	remote = arena_word(header + DIRECTION_REMOTE);
	local = arena_word(header + DIRECTION_LOCAL);
	remote_ports = arena_word(header + DIRECTION_REMOTE_PORTS);
	local_ports = arena_word(header + DIRECTION_LOCAL_PORTS);
	protocols = arena_word(header + DIRECTION_PROTOCOLS + kind(packet));
	if (!remote || !local || !remote_ports || !local_ports || !protocols || width > ROW_WORDS_MAX)
		return LOOKUP_FAILED;
	rows[0] = address_row(plan, *remote, packet->remote.high, packet->remote.low);
	rows[1] = address_row(plan, *local, packet->local.high, packet->local.low);
	rows[2] = port_row(plan, *remote_ports, remote_port);
	rows[3] = port_row(plan, *local_ports, local_port);
	rows[4] = (__u32)*protocols;
	/* Offsets are below 2^32: an upper half says that there is none. */
	if ((rows[0] | rows[1] | rows[2] | rows[3]) >> 32)
		return LOOKUP_FAILED;
	for (at = 0; at < ROW_WORDS_MAX; at++) {
		__u64 *one, *two, *three, *four, *five, bits;

		if (at >= width)
			break;
		one = arena_word(plan + (__u32)rows[0] + at);
		two = arena_word(plan + (__u32)rows[1] + at);
		three = arena_word(plan + (__u32)rows[2] + at);
		four = arena_word(plan + (__u32)rows[3] + at);
		five = arena_word(plan + (__u32)rows[4] + at);
		if (!one || !two || !three || !four || !five)
			return LOOKUP_FAILED;
		bits = *one & *two & *three & *four & *five;
		if (bits)
			return at * 64 + lowest_bit(bits);
	}
	return (__u32)shape;
}

/* Asks the plan of the class about a packet's tuple in a direction, and counts at the rule that decides. */
static __always_inline __u64 classify(struct packet *packet, __u32 egress)
{
	__u64 *magic, *stamp, *shape, *counters, *verdict, *counter, rule;
	__u32 plan, header, rules;

	plan = (packet->word & ((1 << CLASS_OFFSET_BITS) - 1)) * 8;
	header = plan + (egress ? PLAN_EGRESS : PLAN_INGRESS);
	magic = arena_word(plan + PLAN_MAGIC_WORD);
	stamp = arena_word(plan + PLAN_STAMP);
	shape = arena_word(header + DIRECTION_RULES);
	counters = arena_word(header + DIRECTION_COUNTERS);
	if (!magic || !stamp || !shape || !counters)
		return VERDICT_BROKEN;
	if (*magic != PLAN_MAGIC || *stamp != packet->word >> CLASS_OFFSET_BITS)
		return VERDICT_BROKEN;
	rules = *shape;
	rule = rules ? first_rule(packet, plan, header, *shape) : 0;
	if (rule > rules)
		return VERDICT_BROKEN;
	if (rule == rules) {
		verdict = arena_word(header + DIRECTION_IMPLICIT);
	} else {
		__u64 *verdicts = arena_word(header + DIRECTION_VERDICTS);

		if (!verdicts)
			return VERDICT_BROKEN;
		verdict = arena_word(plan + (__u32)*verdicts + (__u32)rule);
	}
	counter = arena_word(plan + (__u32)*counters + (__u32)rule);
	if (!verdict || !counter)
		return VERDICT_BROKEN;
	__sync_fetch_and_add(counter, 1);
	return (rule == rules ? RULE_IMPLICIT : rule) | (*verdict == 1 ? VERDICT_ACCEPT : 0);
}

/* Asks, and keeps who decided. A function of its own to the verifier. Gives the reason to drop, or REASON_NONE. */
__noinline __u32 judge(struct packet *packet, __u32 egress)
{
	__u64 verdict;

	if (!packet)
		return REASON_INTERNAL;
	verdict = classify(packet, egress);
	if (verdict & VERDICT_BROKEN)
		return REASON_INTERNAL;
	packet->rule = verdict;
	packet->asked = packet->rule == RULE_IMPLICIT ? RULE_IMPLICIT : packet->rule + 1;
	if (verdict & VERDICT_ACCEPT)
		return REASON_NONE;
	return packet->rule == RULE_IMPLICIT ? REASON_IMPLICIT : REASON_RULE;
}

#endif
