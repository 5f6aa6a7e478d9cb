/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The two programs at a bound device: what the instance sends, and what it is sent. docs/dataplane.md says what
 * happens to a packet, in the order in which it happens here.
 */
#include "errors.h"
#include "events.h"
#include "flow.h"
#include "fragments.h"
#include "parse.h"
#include "services.h"


struct ethernet_header {
	__u16 destination[3];
	__u16 source[3];
	__u16 type;
};

static __always_inline bool is_vlan(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN ||
	       ethertype == ETHERTYPE_OLD_SERVICE_VLAN;
}

/* Finds the binding, its configuration and the word of its class. Gives the reason to drop, or REASON_NONE. */
static __always_inline __u32 find_binding(struct __sk_buff *skb, struct packet *packet, bool tagged,
					  struct interface **interface)
{
	union {
		struct device device;
		__u64 word;
	} binding;
	__u32 ifindex = skb->ifindex;
	struct device *device = bpf_map_lookup_elem(&devices, &ifindex);

	if (device) {
		binding.word = *(volatile __u64 *)device;
		packet->slot = binding.device.slot & ~DEVICE_COPY;
		packet->index = packet->slot * 2 + !!(binding.device.slot & DEVICE_COPY);
		packet->key.id = binding.device.id;
	}
	if (tagged)
		return REASON_VLAN;
	if (!device)
		return REASON_UNBOUND;
	packet->word = class_word(packet->slot);
	if (!packet->word)
		return REASON_CLOSED;
	*interface = find_interface(packet->index);
	return *interface && (*interface)->id == packet->key.id ? REASON_NONE : REASON_INTERNAL;
}

/* The MAC of the instance's side. */
static __always_inline __u32 judge_mac(const struct interface *interface, const struct ethernet_header *ethernet,
				       bool egress)
{
	if (egress)
		return is_mac(interface, ethernet->source) ? REASON_NONE : REASON_SPOOFED_MAC;
	if (is_mac(interface, ethernet->destination) || ethernet->destination[0] & bpf_htons(0x0100))
		return REASON_NONE;
	return REASON_DESTINATION;
}

/* Fragments, errors, flows and rules. Gives the reason to drop, or REASON_NONE. */
static __always_inline __u32 judge_content(struct __sk_buff *skb, struct packet *packet)
{
	__u32 reason;

	if (packet->is_short)
		return REASON_FRAGMENT;
	if (packet->part == PART_LATER) {
		if (is_tcp(packet) && packet->fragment_offset < TCP_BYTES)
			return REASON_FRAGMENT;
		reason = find_first(packet);
		if (reason)
			return reason;
	}
	if (packet->is_error)
		return judge_error(skb, packet);
	reason = follow(packet);
	if (!reason && packet->part == PART_FIRST)
		reason = keep_first(packet);
	return reason;
}

/* Gives the reason to drop, SERVICE_PASS or REASON_NONE. */
static __always_inline __u32 decide(struct __sk_buff *skb, struct packet *packet)
{
	struct ethernet_header ethernet = {};
	struct interface *interface = NULL;
	bool whole = LOAD(skb, 0, ethernet);
	__u32 reason;

	packet->ethertype = bpf_ntohs(ethernet.type);
	reason = find_binding(skb, packet, skb->vlan_present || is_vlan(packet->ethertype), &interface);
	if (reason)
		return reason;
	if (!whole || !interface)
		return REASON_INVALID;
	reason = judge_mac(interface, &ethernet, packet->egress);
	if (reason)
		return reason;
	if (packet->ethertype == ETHERTYPE_ARP)
		return judge_arp(skb, packet);
	if (packet->ethertype != ETHERTYPE_IPV4 && packet->ethertype != ETHERTYPE_IPV6)
		return REASON_ETHERTYPE;
	reason = examine(skb, packet);
	if (reason)
		return reason;
	return judge_content(skb, packet);
}

static __always_inline int run(struct __sk_buff *skb, bool egress)
{
	struct packet packet = {};
	__u32 reason;

	packet.egress = egress;
	packet.length = skb->len > ETHERNET_BYTES ? skb->len - ETHERNET_BYTES : 0;
	reason = decide(skb, &packet);
	if (reason == SERVICE_PASS)
		reason = REASON_NONE;
	skb->cb[CB_REASON] = reason;
	skb->cb[CB_RULE] = packet.asked;
	return reason ? drop(skb, &packet, reason) : PASS;
}

SEC("classifier/from_instance")
int from_instance(struct __sk_buff *skb)
{
	return run(skb, true);
}

SEC("classifier/to_instance")
int to_instance(struct __sk_buff *skb)
{
	return run(skb, false);
}

/* The kernel lets only such programs use its timers. */
char ravelin_license[] SEC("license") = "GPL v2";
