/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * A packet as the interface sees it: what `parse.h` reads, and everything after it goes by.
 */
#ifndef RAVELIN_PACKET_H
#define RAVELIN_PACKET_H

#include "maps.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define TCP_BYTES 20
#define UDP_BYTES 8
#define ICMP_BYTES 8

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_SERVICE_VLAN 0x88a8
#define ETHERTYPE_OLD_SERVICE_VLAN 0x9100

enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_IGMP = 2,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DESTINATION_OPTIONS = 60,
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_FLAGS 0x3f

enum icmp {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_ROUTER_ADVERTISEMENT = 9,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMP_REPLY = 14,
};

enum icmpv6 {
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_PARAMETER_PROBLEM = 4,
	ICMPV6_ECHO = 128,
	ICMPV6_ECHO_REPLY = 129,
	ICMPV6_LISTENER_QUERY = 130,
	ICMPV6_LISTENER_DONE = 132,
	ICMPV6_ROUTER_SOLICITATION = 133,
	ICMPV6_ROUTER_ADVERTISEMENT = 134,
	ICMPV6_NEIGHBOUR_SOLICITATION = 135,
	ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMPV6_REDIRECT = 137,
	ICMPV6_LISTENER_REPORT_2 = 143,
};

enum part {
	PART_WHOLE = 0,
	PART_FIRST = 1, /* a first fragment */
	PART_LATER = 2, /* another one: nothing of it but addresses and protocol is known until its first is found */
};

struct packet {
	struct flow_key key;
	__u32 slot;
	struct address local; /* those of the key, in host byte order */
	struct address remote;
	__u64 word;   /* of the class, read once */
	__u32 index;  /* of the interface's configuration in `interfaces` */
	__u32 length; /* of the frame, without its Ethernet header */
	__u32 header; /* where the transport header begins, in bytes from the beginning of the frame */
	__u32 end;    /* where the IP packet ends; what follows is padding */
	__u32 fragment_id;
	__u32 asked; /* what a test run reads: CB_RULE */
	__u32 rule;  /* that decided last */
	__u16 fragment_offset; /* bytes */
	__u16 ethertype;
	__u8 egress;
	__u8 ipv6;
	__u8 tcp_flags;
	__u8 type; /* of ICMP */
	__u8 hop_limit;
	__u8 part;
	__u8 is_short; /* a first fragment that does not begin with the whole transport header */
	__u8 is_error; /* an ICMP error */
};

/* Reads an object of the frame: straight where it lies in the linear part, and by a call otherwise. The verifier
 * wants to see that an offset is small; and some verifiers fail where the object was not written before the call. */
#define LINEAR_MAX 4096
#define LOAD(skb, offset, object)										\
	({													\
		__u64 offset_ = (offset);									\
		bool loaded_ = true;										\
		void *begin_;											\
		if (!__builtin_constant_p(offset))								\
			asm volatile("" : "+r"(offset_));							\
		begin_ = (void *)(long)(skb)->data + offset_;							\
		if (offset_ <= LINEAR_MAX && begin_ + sizeof(object) <= (void *)(long)(skb)->data_end)		\
			(object) = *(typeof(object) *)begin_;							\
		else												\
			loaded_ = bpf_skb_load_bytes(skb, offset_, &(object), sizeof(object)) == 0;		\
		loaded_;											\
	})

static __always_inline bool equal(const struct address *one, const struct address *other)
{
	return one->high == other->high && one->low == other->low;
}

static __always_inline bool is_tcp(const struct packet *packet)
{
	return packet->key.protocol == PROTOCOL_TCP;
}

/* Whether two addresses of keys are the same. */
static __always_inline bool is_same(const __u8 *one, const __u8 *other)
{
	const __u32 *these = (const __u32 *)one, *those = (const __u32 *)other;

	return !((these[0] ^ those[0]) | (these[1] ^ those[1]) | (these[2] ^ those[2]) | (these[3] ^ those[3]));
}

/* The first packet of a connection. */
static __always_inline bool is_syn(const struct packet *packet)
{
	return is_tcp(packet) && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline bool is_icmp(const struct packet *packet)
{
	return packet->key.protocol == (packet->ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
}

/* Sets both forms of an address. */
static __always_inline void set_address(__u8 *bytes, struct address *address, const __u32 *words)
{
	__u32 *to = (__u32 *)bytes;

	to[0] = words[0];
	to[1] = words[1];
	to[2] = words[2];
	to[3] = words[3];
	address->high = (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
	address->low = (__u64)bpf_ntohl(words[2]) << 32 | bpf_ntohl(words[3]);
}

static __always_inline void set_ipv4(__u8 *bytes, struct address *address, __u32 word)
{
	__u32 words[4] = { 0, 0, bpf_htonl(0xffff), word };

	set_address(bytes, address, words);
}

#endif
