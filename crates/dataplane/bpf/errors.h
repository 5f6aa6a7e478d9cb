/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * ICMP and ICMPv6 errors: they pass where the packet that they quote is one of a live flow.
 */
#ifndef RAVELIN_ERRORS_H
#define RAVELIN_ERRORS_H

#include "flow.h"
#include "parse.h"

union quoted_transport {
	struct udp_header udp; /* TCP's ports stand in the same place */
	struct icmp_header icmp;
};

/* Reads the first 8 bytes of the quoted packet's transport header. */
static __always_inline bool parse_quoted_transport(struct __sk_buff *skb, struct packet *quoted)
{
	union quoted_transport transport = {};

	if (quoted->part == PART_LATER || quoted->header + sizeof(transport) > quoted->end)
		return false;
	if (!LOAD(skb, quoted->header, transport))
		return false;
	if (is_tcp(quoted) || quoted->key.protocol == PROTOCOL_UDP)
		set_ports(quoted, transport.udp.source, transport.udp.destination);
	else if (is_icmp(quoted))
		set_icmp(quoted, &transport.icmp);
	return true;
}

static __always_inline bool parse_quoted_ipv4(struct __sk_buff *skb, struct packet *quoted)
{
	struct ipv4_header ip = {};
	__u32 header;

	if (quoted->header + sizeof(ip) > quoted->end || !LOAD(skb, quoted->header, ip))
		return false;
	header = (ip.version_length & 0xf) * 4;
	if (ip.version_length >> 4 != 4 || header < IPV4_BYTES || ip.fragment & bpf_htons(FRAGMENT_OFFSET_IPV4))
		return false;
	set_ipv4(quoted->key.local, &quoted->local, quoted->egress ? ip.source : ip.destination);
	set_ipv4(quoted->key.remote, &quoted->remote, quoted->egress ? ip.destination : ip.source);
	quoted->key.protocol = ip.protocol;
	quoted->header += header;
	return parse_quoted_transport(skb, quoted);
}

static __always_inline bool parse_quoted_ipv6(struct __sk_buff *skb, struct packet *quoted)
{
	struct ipv6_header ip = {};
	__u32 number;

	if (quoted->header + sizeof(ip) > quoted->end || !LOAD(skb, quoted->header, ip))
		return false;
	if (bpf_ntohl(ip.version_class_label) >> 28 != 6)
		return false;
	set_address(quoted->key.local, &quoted->local, quoted->egress ? ip.source : ip.destination);
	set_address(quoted->key.remote, &quoted->remote, quoted->egress ? ip.destination : ip.source);
	quoted->header += sizeof(ip);
	number = ip.next;
	if (is_extension(number))
		number = parse_extensions(skb, quoted, number);
	if (number == EXTENSION_MALFORMED)
		return false;
	quoted->key.protocol = number;
	return parse_quoted_transport(skb, quoted);
}

/* Whether an error goes to where the packet that it quotes came from, as all do: to another host it would carry anything
 * past the rules. */
static __always_inline bool is_to_sender(const struct flow_key *error, const struct packet *quoted)
{
	return quoted->egress ? is_same(error->local, quoted->key.local) : is_same(error->remote, quoted->key.remote);
}

/* Judges an error by the packet that it quotes, which went the other way. That one is read into the place of the
 * error's own, of which only what events tell is kept: the stack has no room for two. A function of its own to the
 * verifier. */
__noinline __u32 judge_error(struct __sk_buff *skb, struct packet *packet)
{
	struct flow_key own;
	bool parsed;
	__u32 reason;

	if (!packet)
		return REASON_INTERNAL;
	own = packet->key;
	packet->egress = !packet->egress;
	packet->part = PART_WHOLE;
	packet->header += ICMP_BYTES;
	packet->key.icmp_type = 0;
	parsed = packet->ipv6 ? parse_quoted_ipv6(skb, packet) : parse_quoted_ipv4(skb, packet);
	reason = parsed && is_to_sender(&own, packet) ? follow_quoted(packet) : REASON_UNRELATED_ERROR;
	packet->key = own;
	packet->egress = !packet->egress;
	return reason;
}

#endif
