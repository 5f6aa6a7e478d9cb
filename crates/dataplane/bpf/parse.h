/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Reads an IP packet, and refuses what is malformed (RFC 791, 8200, 9293, 768, 792, 4443).
 */
#ifndef RAVELIN_PARSE_H
#define RAVELIN_PARSE_H

#include "packet.h"

#define EXTENSIONS_MAX 6
#define FRAGMENT_MORE_IPV4 0x2000
#define FRAGMENT_OFFSET_IPV4 0x1fff
#define FRAGMENT_MORE_IPV6 0x0001
#define FRAGMENT_OFFSET_IPV6 0xfff8

struct ipv4_header {
	__u8 version_length;
	__u8 service;
	__u16 total_length;
	__u16 id;
	__u16 fragment;
	__u8 hop_limit;
	__u8 protocol;
	__u16 checksum;
	__u32 source;
	__u32 destination;
};

struct ipv6_header {
	__u32 version_class_label;
	__u16 payload_length;
	__u8 next;
	__u8 hop_limit;
	__u32 source[4];
	__u32 destination[4];
};

struct extension {
	__u8 next;
	__u8 length;
	__u8 type; /* of a routing header */
	__u8 unused;
};

struct fragment_header {
	__u8 next;
	__u8 unused;
	__u16 fragment;
	__u32 id;
};

struct tcp_header {
	__u16 source;
	__u16 destination;
	__u32 sequence;
	__u32 acknowledgement;
	__u8 length;
	__u8 flags;
	__u16 window;
};

struct udp_header {
	__u16 source;
	__u16 destination;
	__u16 length;
	__u16 checksum;
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u16 id;
	__u16 sequence;
};

static __always_inline void set_ports(struct packet *packet, __u16 source, __u16 destination)
{
	packet->key.local_port = bpf_ntohs(packet->egress ? source : destination);
	packet->key.remote_port = bpf_ntohs(packet->egress ? destination : source);
}

static __always_inline bool is_query(bool ipv6, __u8 type)
{
	if (ipv6)
		return type == ICMPV6_ECHO || type == ICMPV6_ECHO_REPLY;
	return type == ICMP_ECHO || type == ICMP_ECHO_REPLY || type == ICMP_TIMESTAMP || type == ICMP_TIMESTAMP_REPLY;
}

/* The type that answers a request, and the one that asks for an answer. */
static __always_inline __u8 counterpart(bool ipv6, __u8 type)
{
	if (ipv6)
		return ICMPV6_ECHO + ICMPV6_ECHO_REPLY - type;
	return (type < ICMP_TIMESTAMP ? ICMP_ECHO + ICMP_ECHO_REPLY : ICMP_TIMESTAMP + ICMP_TIMESTAMP_REPLY) - type;
}

static __always_inline bool is_error(bool ipv6, __u8 type)
{
	if (ipv6)
		return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM;
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* What the key of a flow keeps of an ICMP message. */
static __always_inline void set_icmp(struct packet *packet, const struct icmp_header *icmp)
{
	bool query = is_query(packet->ipv6, icmp->type);
	__u16 id = query ? bpf_ntohs(icmp->id) : 0;

	packet->type = icmp->type;
	packet->is_error = is_error(packet->ipv6, icmp->type);
	/* Who asks is part of a query's name: what one side asks does not let the other one ask. */
	packet->key.icmp_type = query && !packet->egress ? counterpart(packet->ipv6, icmp->type) : icmp->type;
	packet->key.local_port = id;
	packet->key.remote_port = id;
}

/* No flags at all, and combinations that no connection has. */
static __always_inline bool are_odd(__u8 flags)
{
	return !(flags & TCP_FLAGS) || ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST)));
}

static __always_inline __u32 parse_tcp(struct __sk_buff *skb, struct packet *packet, __u32 size)
{
	struct tcp_header tcp = {};
	__u32 length;

	if (!LOAD(skb, packet->header, tcp))
		return REASON_INVALID;
	length = (tcp.length >> 4) * 4;
	if (length < TCP_BYTES || are_odd(tcp.flags) || (packet->part == PART_WHOLE && length > size))
		return REASON_INVALID;
	set_ports(packet, tcp.source, tcp.destination);
	packet->tcp_flags = tcp.flags;
	return REASON_NONE;
}

static __always_inline __u32 parse_udp(struct __sk_buff *skb, struct packet *packet, __u32 size)
{
	struct udp_header udp = {};
	__u32 length;

	if (!LOAD(skb, packet->header, udp))
		return REASON_INVALID;
	length = bpf_ntohs(udp.length);
	if (length < UDP_BYTES || (packet->part == PART_WHOLE && length > size))
		return REASON_INVALID;
	set_ports(packet, udp.source, udp.destination);
	return REASON_NONE;
}

/* The transport header, where there is one. */
static __always_inline __u32 parse_transport(struct __sk_buff *skb, struct packet *packet)
{
	__u32 size = packet->end - packet->header, least = 0;
	struct icmp_header icmp = {};

	if (packet->part == PART_LATER) {
		/* Its connection is not begun by it. */
		packet->tcp_flags = TCP_ACK;
		return REASON_NONE;
	}
	if (is_tcp(packet))
		least = TCP_BYTES;
	else if (packet->key.protocol == PROTOCOL_UDP || is_icmp(packet))
		least = UDP_BYTES;
	if (size < least) {
		packet->is_short = packet->part == PART_FIRST;
		return packet->is_short ? REASON_NONE : REASON_INVALID;
	}
	if (is_tcp(packet))
		return parse_tcp(skb, packet, size);
	if (packet->key.protocol == PROTOCOL_UDP)
		return parse_udp(skb, packet, size);
	if (!is_icmp(packet))
		return REASON_NONE;
	if (!LOAD(skb, packet->header, icmp))
		return REASON_INVALID;
	set_icmp(packet, &icmp);
	return REASON_NONE;
}

static __always_inline bool is_multicast_ipv4(__u32 address)
{
	return (address & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000);
}

static __always_inline __u32 parse_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv4_header ip = {};
	__u32 header, total;
	__u16 fragment;

	if (!LOAD(skb, ETHERNET_BYTES, ip))
		return REASON_INVALID;
	header = (ip.version_length & 0xf) * 4;
	total = bpf_ntohs(ip.total_length);
	if (ip.version_length >> 4 != 4 || header < IPV4_BYTES || total < header || total > packet->length)
		return REASON_INVALID;
	if (is_multicast_ipv4(ip.source))
		return REASON_INVALID;
	set_ipv4(packet->key.local, &packet->local, packet->egress ? ip.source : ip.destination);
	set_ipv4(packet->key.remote, &packet->remote, packet->egress ? ip.destination : ip.source);
	packet->key.protocol = ip.protocol;
	packet->hop_limit = ip.hop_limit;
	packet->header = ETHERNET_BYTES + header;
	packet->end = ETHERNET_BYTES + total;
	fragment = bpf_ntohs(ip.fragment);
	if (fragment & (FRAGMENT_MORE_IPV4 | FRAGMENT_OFFSET_IPV4)) {
		packet->fragment_offset = (fragment & FRAGMENT_OFFSET_IPV4) * 8;
		packet->fragment_id = ip.id;
		packet->part = packet->fragment_offset ? PART_LATER : PART_FIRST;
	}
	return parse_transport(skb, packet);
}

/* One extension header. Gives the number of the next header, or EXTENSION_MALFORMED. */
#define EXTENSION_MALFORMED 0x100
static __always_inline __u32 parse_extension(struct __sk_buff *skb, struct packet *packet, __u32 number, bool first)
{
	struct fragment_header fragment = {};
	struct extension extension = {};
	__u16 bits;

	if (number == PROTOCOL_FRAGMENT) {
		if (packet->part != PART_WHOLE || !LOAD(skb, packet->header, fragment))
			return EXTENSION_MALFORMED;
		bits = bpf_ntohs(fragment.fragment);
		packet->header += sizeof(fragment);
		/* A datagram in one fragment is none (RFC 6946). */
		if (bits & (FRAGMENT_MORE_IPV6 | FRAGMENT_OFFSET_IPV6)) {
			packet->fragment_offset = bits & FRAGMENT_OFFSET_IPV6;
			packet->fragment_id = fragment.id;
			packet->part = packet->fragment_offset ? PART_LATER : PART_FIRST;
		}
		return fragment.next;
	}
	if (number == PROTOCOL_HOP_BY_HOP && !first)
		return EXTENSION_MALFORMED;
	if (!LOAD(skb, packet->header, extension))
		return EXTENSION_MALFORMED;
	/* Type 0 may send a packet anywhere (RFC 5095). */
	if (number == PROTOCOL_ROUTING && extension.type == 0)
		return EXTENSION_MALFORMED;
	packet->header += (extension.length + 1) * 8;
	return extension.next;
}

static __always_inline bool is_extension(__u32 number)
{
	return number == PROTOCOL_HOP_BY_HOP || number == PROTOCOL_ROUTING || number == PROTOCOL_FRAGMENT ||
	       number == PROTOCOL_DESTINATION_OPTIONS;
}

/* Walks the extension headers. What follows in a later fragment is payload, whatever its number. Where a first fragment
 * has extension headers behind its fragment header, later ones that say otherwise could reach its transport header at an
 * offset that looks like payload: it does not pass. A function of its own to the verifier. Gives the number of what they
 * carry, or EXTENSION_MALFORMED. */
__noinline __u32 parse_extensions(struct __sk_buff *skb, struct packet *packet, __u32 number)
{
	int walked;

	if (!packet)
		return EXTENSION_MALFORMED;
	for (walked = 0; walked < EXTENSIONS_MAX; walked++) {
		if (!is_extension(number) || packet->part == PART_LATER)
			break;
		packet->is_short |= packet->part == PART_FIRST;
		number = parse_extension(skb, packet, number, walked == 0);
		if (number == EXTENSION_MALFORMED || packet->header > packet->end)
			return EXTENSION_MALFORMED;
	}
	return is_extension(number) && packet->part != PART_LATER ? EXTENSION_MALFORMED : number;
}

static __always_inline bool is_mapped(const __u32 *address)
{
	return address[0] == 0 && address[1] == 0 && address[2] == bpf_htonl(0xffff);
}

static __always_inline bool is_multicast_ipv6(const __u32 *address)
{
	return (address[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

static __always_inline __u32 parse_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv6_header ip = {};
	__u32 number, total;

	if (!LOAD(skb, ETHERNET_BYTES, ip))
		return REASON_INVALID;
	total = IPV6_BYTES + bpf_ntohs(ip.payload_length);
	if (bpf_ntohl(ip.version_class_label) >> 28 != 6 || total > packet->length)
		return REASON_INVALID;
	if (is_mapped(ip.source) || is_mapped(ip.destination) || is_multicast_ipv6(ip.source))
		return REASON_INVALID;
	set_address(packet->key.local, &packet->local, packet->egress ? ip.source : ip.destination);
	set_address(packet->key.remote, &packet->remote, packet->egress ? ip.destination : ip.source);
	packet->hop_limit = ip.hop_limit;
	packet->header = ETHERNET_BYTES + IPV6_BYTES;
	packet->end = ETHERNET_BYTES + total;
	packet->ipv6 = 1;
	number = ip.next;
	if (is_extension(number))
		number = parse_extensions(skb, packet, number);
	if (number == EXTENSION_MALFORMED)
		return REASON_INVALID;
	packet->key.protocol = number;
	return parse_transport(skb, packet);
}

#endif
