/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Flows: how one begins, is judged again, changes state, dies and expires.
 */
#ifndef RAVELIN_FLOW_H
#define RAVELIN_FLOW_H

#include "classify.h"
#include "expiry.h"

#define ERROR_EXISTS (-17)
#define ATTEMPTS_MAX 4

#define STATE_NUMBER 0xff
/* Beside the reasons: */
#define BEGIN_AGAIN 0x100 /* another packet has entered or changed the same flow meanwhile */
#define NO_FLOW 0x101

/* Notes that a side was seen. The clock is read only when the ticks say that it is another time. */
static __always_inline void touch(struct flow *flow, bool egress)
{
	__u16 *ticks = egress ? &flow->seen_local_ticks : &flow->seen_remote_ticks;
	__u16 now = bpf_jiffies64() >> SEEN_TICKS_SHIFT;
	__u64 *seen = egress ? &flow->seen_local_ns : &flow->seen_remote_ns;

	if (READ_ONCE(*ticks) == now && READ_ONCE(*seen))
		return;
	WRITE_ONCE(*ticks, now);
	WRITE_ONCE(*seen, bpf_ktime_get_coarse_ns());
}

static __always_inline void count(struct flow *flow, const struct packet *packet)
{
	if (packet->egress) {
		__sync_fetch_and_add(&flow->packets_local, 1);
		__sync_fetch_and_add(&flow->bytes_local, packet->length);
	} else {
		__sync_fetch_and_add(&flow->packets_remote, 1);
		__sync_fetch_and_add(&flow->bytes_remote, packet->length);
	}
}

/* The state of a TCP flow after a packet of one side. */
static __always_inline __u32 after_tcp(__u32 state, __u8 flags, bool egress, bool of_beginner)
{
	__u32 number = state & STATE_NUMBER, fins = state & ~STATE_NUMBER;

	if (number == STATE_TCP_CLOSED || flags & TCP_RST)
		return fins | STATE_TCP_CLOSED;
	if (flags & TCP_FIN)
		fins |= egress ? STATE_FIN_LOCAL : STATE_FIN_REMOTE;
	if (fins == (STATE_FIN_LOCAL | STATE_FIN_REMOTE))
		return fins | STATE_TCP_TIME_WAIT;
	if (fins)
		return fins | STATE_TCP_FIN_WAIT;
	if (number == STATE_TCP_SYN_SENT && !of_beginner && flags & TCP_SYN)
		return STATE_TCP_SYN_RECEIVED;
	if (number == STATE_TCP_SYN_RECEIVED && of_beginner && (flags & (TCP_SYN | TCP_ACK)) == TCP_ACK)
		return STATE_TCP_ESTABLISHED;
	return state;
}

static __always_inline __u32 after(const struct packet *packet, __u32 state, bool of_beginner)
{
	if (is_tcp(packet))
		return after_tcp(state, packet->tcp_flags, packet->egress, of_beginner);
	if (state == STATE_UDP_NEW && !of_beginner)
		return STATE_UDP_STREAM;
	if (state == STATE_GRE_NEW && !of_beginner)
		return STATE_GRE_STREAM;
	return state;
}

/* The state of a flow that begins with this packet. */
static __always_inline __u32 first_state(const struct packet *packet)
{
	if (is_syn(packet))
		return STATE_TCP_SYN_SENT;
	if (is_tcp(packet))
		return after_tcp(STATE_TCP_ESTABLISHED, packet->tcp_flags, packet->egress, true);
	if (packet->key.protocol == PROTOCOL_UDP)
		return STATE_UDP_NEW;
	if (packet->key.protocol == PROTOCOL_GRE)
		return STATE_GRE_NEW;
	return is_icmp(packet) ? STATE_ICMP : STATE_OTHER;
}

/* Where the state changes, one packet of those that see the same one sets it; the others' next packets do. */
static __always_inline void change_state(struct flow *flow, const struct packet *packet, bool of_beginner)
{
	__u32 old = READ_ONCE(flow->state), new = after(packet, old, of_beginner);

	if (new != old)
		__sync_val_compare_and_swap(&flow->state, old, new);
}

static __always_inline __u64 new_word(const struct packet *packet, bool egress, __u64 nonce)
{
	return packet->word >> CLASS_OFFSET_BITS | (egress ? FLOW_EGRESS : 0) | nonce << FLOW_NONCE_SHIFT;
}

/* Judges a flow again under the plan of the packet's class: it is stamped, alive or dead. Gives false where
 * another packet was faster, or the plan could not be asked; `reason` tells the latter. */
static __always_inline bool judge_again(struct flow *flow, struct packet *packet,
					__u64 *word, __u32 *reason)
{
	__u64 old = *word, new;

	*reason = judge(packet, !!(old & FLOW_EGRESS));
	if (*reason == REASON_INTERNAL)
		return false;
	new = (old & ~(STAMP_MASK | FLOW_DEAD)) | packet->word >> CLASS_OFFSET_BITS;
	if (*reason)
		new |= FLOW_DEAD;
	if (__sync_val_compare_and_swap(&flow->word, old, new) != old) {
		*reason = REASON_NONE;
		return false;
	}
	*word = new;
	WRITE_ONCE(flow->rule, packet->rule);
	return true;
}

/* A SYN where the flow is over: a new flow in the place of the old one. Gives a reason to drop, BEGIN_AGAIN or
 * REASON_NONE. */
static __always_inline __u32 renew(struct flow *flow, struct packet *packet, __u64 old)
{
	__u32 reason = judge(packet, packet->egress);
	__u64 now;

	if (reason) {
		touch(flow, packet->egress);
		return reason;
	}
	/* The nonce stays: the queue knows the flow by it. */
	if (__sync_val_compare_and_swap(&flow->word, old, new_word(packet, packet->egress, old >> FLOW_NONCE_SHIFT)) != old)
		return BEGIN_AGAIN;
	now = bpf_ktime_get_coarse_ns();
	WRITE_ONCE(flow->state, STATE_TCP_SYN_SENT);
	WRITE_ONCE(flow->begun_ns, now);
	WRITE_ONCE(flow->seen_local_ns, packet->egress ? now : 0);
	WRITE_ONCE(flow->seen_remote_ns, packet->egress ? 0 : now);
	WRITE_ONCE(flow->packets_local, 0);
	WRITE_ONCE(flow->bytes_local, 0);
	WRITE_ONCE(flow->packets_remote, 0);
	WRITE_ONCE(flow->bytes_remote, 0);
	WRITE_ONCE(flow->rule, packet->rule);
	count(flow, packet);
	return REASON_NONE;
}

/* Enters a flow that the rules accept, in a direction. A function of its own to the verifier. */
__noinline __u32 enter(struct packet *packet, __u32 egress, enum flow_state state, __u64 now)
{
	struct settings *limits = find_settings();
	struct flow new = {};
	int error;

	if (!packet || !limits)
		return REASON_INTERNAL;
	new.word = new_word(packet, egress, bpf_get_prandom_u32() & 0xffff);
	new.begun_ns = now;
	new.rule = packet->rule;
	new.state = state;
	new.slot = packet->slot;
	if (packet->egress) {
		new.seen_local_ns = now;
		new.packets_local = 1;
		new.bytes_local = packet->length;
	} else {
		new.seen_remote_ns = now;
		new.packets_remote = 1;
		new.bytes_remote = packet->length;
	}
	error = bpf_map_update_elem(&flows, &packet->key, &new, BPF_NOEXIST);
	if (error)
		return error == ERROR_EXISTS ? BEGIN_AGAIN : REASON_TABLE_FULL;
	if (enqueue(limits, &packet->key, new.word))
		return REASON_NONE;
	/* Nothing would ever delete it. */
	bpf_map_delete_elem(&flows, &packet->key);
	return REASON_TABLE_FULL;
}

/* Enters a flow; where table or queue is full, once more after some that are over have been looked for. */
static __always_inline __u32 enter_or_make_room(struct packet *packet, __u32 egress, enum flow_state state, __u64 now)
{
	__u32 reason = enter(packet, egress, state, now);

	if (reason != REASON_TABLE_FULL)
		return reason;
	sweep_some(SWEEP_FULL, SWEEP_FULL);
	return enter(packet, egress, state, now);
}

/* Asks the rules in which direction a flow that is met in its middle may have begun. What ingress accepts the other side
 * has begun, whoever is heard first, so that it ends with what permits it. Anything else the interface may have begun; of
 * that its own packets alone tell, since anybody else's may belong to nothing. An answer to a SYN says who has sent that,
 * and who has sent one sends it again. */
static __always_inline __u32 adopt(struct packet *packet, const struct interface *interface, __u64 now, __u32 *egress)
{
	bool answers_syn = packet->tcp_flags & TCP_SYN;
	__u32 reason;

	if (now >= interface->adopt_until_ns || (answers_syn && !packet->egress))
		return REASON_NO_SYN;
	*egress = false;
	reason = judge(packet, false);
	if (reason == REASON_NONE || reason == REASON_INTERNAL || answers_syn || !packet->egress)
		return reason;
	*egress = true;
	return judge(packet, true);
}

/* A packet of no flow that is known. A function of its own to the verifier. Gives a reason to drop, BEGIN_AGAIN or
 * REASON_NONE. */
__noinline __u32 begin(struct packet *packet)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct interface *interface;
	struct share *share;
	__u32 egress, reason, state;

	if (!packet)
		return REASON_INTERNAL;
	interface = find_interface(packet->index);
	share = find_share(packet->slot);
	if (!interface || !share)
		return REASON_INTERNAL;
	egress = packet->egress;
	if (is_tcp(packet) && !is_syn(packet))
		reason = adopt(packet, interface, now, &egress);
	else
		reason = judge(packet, egress);
	if (reason)
		return reason;
	state = first_state(packet);
	if (__sync_fetch_and_add(&share->flows, 1) >= interface->flows_max)
		reason = REASON_FLOW_LIMIT;
	else
		reason = enter_or_make_room(packet, egress, state, now);
	if (reason)
		__sync_fetch_and_add(&share->flows, -1);
	return reason;
}

static __always_inline bool is_over(__u64 word, __u32 state)
{
	state &= STATE_NUMBER;
	return word & FLOW_DEAD || state == STATE_TCP_FIN_WAIT || state == STATE_TCP_TIME_WAIT ||
	       state == STATE_TCP_CLOSED;
}

/* A packet of a flow that is known. A function of its own to the verifier. Gives a reason to drop, NO_FLOW,
 * BEGIN_AGAIN or REASON_NONE. */
__noinline __u32 go_on(struct packet *packet)
{
	struct flow *flow;
	bool of_beginner;
	__u32 reason;
	__u64 word;

	if (!packet)
		return REASON_INTERNAL;
	flow = bpf_map_lookup_elem(&flows, &packet->key);
	if (!flow)
		return NO_FLOW;
	word = READ_ONCE(flow->word);
	if (is_syn(packet) && is_over(word, READ_ONCE(flow->state)))
		return renew(flow, packet, word);
	if ((word & STAMP_MASK) != packet->word >> CLASS_OFFSET_BITS &&
	    !judge_again(flow, packet, &word, &reason))
		return reason ? reason : BEGIN_AGAIN;
	if (word & FLOW_DEAD) {
		if (is_syn(packet))
			return BEGIN_AGAIN;
		touch(flow, packet->egress);
		return REASON_DEAD_FLOW;
	}
	of_beginner = !(word & FLOW_EGRESS) == !packet->egress;
	/* The other side begins something of its own over a flow that lives. */
	if (is_syn(packet) && !of_beginner) {
		reason = judge(packet, packet->egress);
		if (reason)
			return reason;
	}
	touch(flow, packet->egress);
	count(flow, packet);
	change_state(flow, packet, of_beginner);
	return REASON_NONE;
}

/* Decides a packet by its flow, and by the rules where it has none or one that they were not asked about. Gives
 * the reason to drop, or REASON_NONE. */
static __always_inline __u32 follow(struct packet *packet)
{
	__u32 reason;
	int attempt;

	for (attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		reason = go_on(packet);
		if (reason == NO_FLOW)
			reason = begin(packet);
		if (reason != BEGIN_AGAIN)
			return reason;
	}
	return REASON_INTERNAL;
}

/* Decides by a flow that an ICMP error quotes, which is not refreshed by it: only a live one passes. */
__noinline __u32 follow_quoted(struct packet *packet)
{
	struct flow *flow;
	__u32 reason;
	__u64 word;
	int attempt;

	if (!packet)
		return REASON_INTERNAL;
	for (attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		flow = bpf_map_lookup_elem(&flows, &packet->key);
		if (!flow)
			return REASON_UNRELATED_ERROR;
		word = READ_ONCE(flow->word);
		if ((word & STAMP_MASK) == packet->word >> CLASS_OFFSET_BITS ||
		    judge_again(flow, packet, &word, &reason))
			return word & FLOW_DEAD ? REASON_UNRELATED_ERROR : REASON_NONE;
		if (reason)
			return reason;
	}
	return REASON_INTERNAL;
}

#endif
