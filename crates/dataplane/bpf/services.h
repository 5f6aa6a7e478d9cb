/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What a link needs to work, and passes without rules: ARP, neighbour discovery, group membership, DHCP; and what an
 * instance may not be to others: a router, a DHCP server, somebody else.
 */
#ifndef RAVELIN_SERVICES_H
#define RAVELIN_SERVICES_H

#include "addresses.h"
#include "fragments.h"
#include "parse.h"

#define ARP_HARDWARE_ETHERNET 1
#define ND_HOP_LIMIT 255
#define ND_TARGET_OFFSET 8 /* of an advertisement or solicitation */

#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCPV6_CLIENT 546
#define DHCPV6_SERVER 547

/* Beside the reasons: the packet passes as it is. */
#define SERVICE_PASS 0x200

struct arp_header {
	__u16 hardware;
	__u16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__u16 operation;
	__u16 sender_mac[3];
	__u16 sender[2];
	__u16 target_mac[3];
	__u16 target[2];
};

static __always_inline bool is_mac(const struct interface *interface, const __u16 *mac)
{
	const __u16 *own = (const __u16 *)interface->mac;

	return mac[0] == own[0] && mac[1] == own[1] && mac[2] == own[2];
}

/* Judges an ARP packet (RFC 826). A function of its own to the verifier. Gives the reason to drop, or REASON_NONE. */
__noinline __u32 judge_arp(struct __sk_buff *skb, struct packet *packet)
{
	struct interface *interface;
	struct arp_header arp = {};
	__u32 sender, target;

	if (!packet)
		return REASON_INTERNAL;
	interface = find_interface(packet->index);
	if (!interface)
		return REASON_INTERNAL;
	if (!LOAD(skb, ETHERNET_BYTES, arp))
		return REASON_INVALID;
	if (arp.hardware != bpf_htons(ARP_HARDWARE_ETHERNET) || arp.protocol != bpf_htons(ETHERTYPE_IPV4) ||
	    arp.hardware_bytes != 6 || arp.protocol_bytes != 4)
		return REASON_INVALID;
	sender = arp.sender[0] | (__u32)arp.sender[1] << 16;
	target = arp.target[0] | (__u32)arp.target[1] << 16;
	set_ipv4(packet->key.local, &packet->local, packet->egress ? sender : target);
	set_ipv4(packet->key.remote, &packet->remote, packet->egress ? target : sender);
	if (!packet->egress)
		return REASON_NONE;
	if (!is_mac(interface, arp.sender_mac))
		return REASON_SPOOFED_ARP;
	if (sender == 0 || interface->flags & INTERFACE_SOURCE_CHECK_OFF)
		return REASON_NONE;
	return is_own(interface, packet->slot, &packet->local, packet->key.local) ? REASON_NONE : REASON_SPOOFED_ARP;
}

static __always_inline bool is_listener(__u8 type)
{
	return (type >= ICMPV6_LISTENER_QUERY && type <= ICMPV6_LISTENER_DONE) || type == ICMPV6_LISTENER_REPORT_2;
}

static __always_inline bool is_discovery(__u8 type)
{
	return type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT;
}

/* The bytes that a message of neighbour discovery has at least (RFC 4861, section 4). */
static __always_inline __u32 discovery_bytes(__u8 type)
{
	if (type == ICMPV6_ROUTER_SOLICITATION)
		return 8;
	if (type == ICMPV6_ROUTER_ADVERTISEMENT)
		return 16;
	return type == ICMPV6_REDIRECT ? 40 : 24;
}

static __always_inline __u32 judge_advertisement(struct __sk_buff *skb, struct packet *packet,
						 const struct interface *interface)
{
	struct target {
		__u32 words[4];
	} target = {};
	struct address address;
	__u8 bytes[16] __attribute__((aligned(4)));

	if (interface->flags & INTERFACE_SOURCE_CHECK_OFF)
		return REASON_NONE;
	if (!LOAD(skb, packet->header + ND_TARGET_OFFSET, target))
		return REASON_INVALID;
	set_address(bytes, &address, target.words);
	return is_own(interface, packet->slot, &address, bytes) ? REASON_NONE : REASON_SPOOFED_ND;
}

/* Neighbour discovery. In fragments it is never right (RFC 6980). */
static __always_inline __u32 judge_discovery(struct __sk_buff *skb, struct packet *packet,
					     const struct interface *interface)
{
	__u32 reason = REASON_NONE;

	if (packet->end - packet->header < discovery_bytes(packet->type))
		return REASON_INVALID;
	if (packet->egress) {
		if (packet->type == ICMPV6_ROUTER_ADVERTISEMENT || packet->type == ICMPV6_REDIRECT)
			return REASON_ROGUE_ROUTER;
		if (packet->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT)
			reason = judge_advertisement(skb, packet, interface);
		if (reason)
			return reason;
	}
	if (packet->hop_limit != ND_HOP_LIMIT || packet->part != PART_WHOLE)
		return REASON_INVALID;
	return SERVICE_PASS;
}

static __always_inline bool is_udp(const struct packet *packet, __u16 local, __u16 remote)
{
	return packet->key.protocol == PROTOCOL_UDP && packet->key.local_port == local &&
	       packet->key.remote_port == remote;
}

static __always_inline bool is_dhcp_of_client(const struct packet *packet)
{
	return packet->ipv6 ? is_udp(packet, DHCPV6_CLIENT, DHCPV6_SERVER) : is_udp(packet, DHCP_CLIENT, DHCP_SERVER);
}

static __always_inline bool is_dhcp_of_server(const struct packet *packet)
{
	return packet->ipv6 ? is_udp(packet, DHCPV6_SERVER, DHCPV6_CLIENT) : is_udp(packet, DHCP_SERVER, DHCP_CLIENT);
}

/* Every DHCP server of the link: the broadcast address (RFC 2131), All_DHCP_Relay_Agents_and_Servers (RFC 8415). */
static __always_inline bool is_every_server(const struct packet *packet, const struct address *address)
{
	if (packet->ipv6)
		return address->high == 0xff02000000000000ULL && address->low == 0x10002;
	return address->low == 0xffffffffffffULL;
}

/* DHCP of the client that the interface is; seen from it the two directions are one exchange. It asks every server; an
 * answer comes to everybody, or soon and to itself. Anything else is for the rules: between two hosts it would carry
 * anything past them. */
static __always_inline __u32 judge_dhcp(struct packet *packet)
{
	if (packet->egress) {
		if (!is_every_server(packet, &packet->remote))
			return REASON_NONE;
		return keep_request(packet) ?: SERVICE_PASS;
	}
	if (!packet->ipv6 && is_every_server(packet, &packet->local))
		return SERVICE_PASS;
	if (is_for_all(packet, &packet->local))
		return REASON_NONE;
	return has_requested(packet) ? SERVICE_PASS : REASON_NONE;
}

/* The management of multicast groups, which speaks to groups alone (RFC 2236, RFC 3376, RFC 3810): to one host it
 * would carry anything past the rules. */
static __always_inline bool is_to_group(const struct packet *packet)
{
	return is_for_all(packet, packet->egress ? &packet->remote : &packet->local);
}

/* What may be sent without an address of one's own. */
static __always_inline bool is_without_address(const struct packet *packet)
{
	if (packet->part != PART_WHOLE)
		return false;
	if (!packet->ipv6)
		return packet->local.low == 0xffff00000000ULL && is_dhcp_of_client(packet) &&
		       is_every_server(packet, &packet->remote);
	return is_zero(&packet->local) && is_icmp(packet) &&
	       (packet->type == ICMPV6_NEIGHBOUR_SOLICITATION || packet->type == ICMPV6_ROUTER_SOLICITATION ||
		(is_listener(packet->type) && is_to_group(packet)));
}

/* The addresses. Gives the reason to drop, or REASON_NONE. */
static __always_inline __u32 judge_addresses(const struct packet *packet, const struct interface *interface)
{
	if (interface->flags & INTERFACE_SOURCE_CHECK_OFF)
		return REASON_NONE;
	if (is_own(interface, packet->slot, &packet->local, packet->key.local))
		return REASON_NONE;
	if (packet->egress)
		return is_without_address(packet) ? REASON_NONE : REASON_SPOOFED_ADDRESS;
	return is_for_all(packet, &packet->local) ? REASON_NONE : REASON_DESTINATION;
}

/* What passes without rules, and what never passes. Of the interface's own DHCP, a client's view: it is the
 * client. Gives a reason to drop, SERVICE_PASS, or REASON_NONE where others decide. */
static __always_inline __u32 judge_service(struct __sk_buff *skb, struct packet *packet,
					   const struct interface *interface)
{
	if (packet->key.protocol == PROTOCOL_IGMP && !packet->ipv6)
		return packet->part == PART_WHOLE && is_to_group(packet) ? SERVICE_PASS : REASON_NONE;
	if (packet->part == PART_LATER || packet->is_short)
		return REASON_NONE;
	if (packet->key.protocol == PROTOCOL_UDP) {
		if (packet->egress && is_dhcp_of_server(packet))
			return REASON_ROGUE_DHCP;
		return packet->part == PART_WHOLE && is_dhcp_of_client(packet) ? judge_dhcp(packet) : REASON_NONE;
	}
	if (!is_icmp(packet))
		return REASON_NONE;
	if (!packet->ipv6)
		return packet->egress && (packet->type == ICMP_REDIRECT || packet->type == ICMP_ROUTER_ADVERTISEMENT) ?
			       REASON_ROGUE_ROUTER :
			       REASON_NONE;
	if (is_discovery(packet->type))
		return judge_discovery(skb, packet, interface);
	return is_listener(packet->type) && packet->part == PART_WHOLE && is_to_group(packet) ? SERVICE_PASS :
												 REASON_NONE;
}

/* Addresses, services, exempt peers. Gives a reason to drop, SERVICE_PASS, or
 * REASON_NONE where fragments, flows and rules decide. */
static __always_inline __u32 judge_link(struct __sk_buff *skb, struct packet *packet)
{
	struct settings *limits = find_settings();
	struct interface *interface;
	__u32 reason;

	if (!packet || !limits)
		return REASON_INTERNAL;
	interface = find_interface(packet->index);
	if (!interface)
		return REASON_INTERNAL;
	reason = judge_addresses(packet, interface);
	if (!reason)
		reason = judge_service(skb, packet, interface);
	if (!reason && limits->exempt && is_exempt(packet->key.remote))
		reason = SERVICE_PASS;
	return reason;
}

/* Reads a packet and judges what needs no flow. A function of its own to the verifier. Gives a reason to drop,
 * SERVICE_PASS or REASON_NONE. */
__noinline __u32 examine(struct __sk_buff *skb, struct packet *packet)
{
	__u32 reason;

	if (!packet)
		return REASON_INTERNAL;
	reason = packet->ethertype == ETHERTYPE_IPV4 ? parse_ipv4(skb, packet) : parse_ipv6(skb, packet);
	return reason ? reason : judge_link(skb, packet);
}

#endif
