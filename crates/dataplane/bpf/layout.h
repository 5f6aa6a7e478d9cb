/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What the kernel program and its loader share: the layout of every map, the packing of every word, and the numbers of
 * reasons and states. `src/layout.rs` is the same in Rust; a test compares the two by the object's BTF.
 *
 * Whoever changes anything here raises LAYOUT_VERSION: it is part of the path of the pins.
 */
#ifndef RAVELIN_LAYOUT_H
#define RAVELIN_LAYOUT_H

#define LAYOUT_VERSION 1

/* Addresses are 16 bytes; IPv4 stands in ::ffff:0:0/96, and an IPv6 packet with such an address is malformed. */
struct address {
	__u64 high; /* host byte order, the first 8 bytes of the address */
	__u64 low;
};

/* A binding has a slot, for as long as it lasts and until the last of its flows is gone; and an id, for ever. Slot 0 is
 * no binding: drops of devices that nobody bound are counted there. */

/* devices: hash, ifindex -> its binding. One 64-bit word, so that a change is atomic. */
struct device {
	__u32 slot; /* bit 31: which of the two copies in `interfaces` is in force */
	__u32 id;   /* of the binding; never used again */
};
#define DEVICE_COPY 0x80000000U

enum interface_flags {
	INTERFACE_SOURCE_CHECK_OFF = 1, /* forwards for others: addresses are not checked; MAC and rogue services still are */
	INTERFACE_FURTHER_ADDRESSES = 2, /* look into `allowed` where none of the addresses here fits */
};

/* interfaces: array, slot * 2 + copy -> what an interface may be. A change is written to the other copy, and `devices`
 * points to it then. */
struct interface {
	__u32 id;
	__u32 flags;
	struct address ipv4;       /* zero: none */
	struct address ipv6;       /* zero: none */
	struct address link_local; /* fe80:: with the EUI-64 of the MAC, unless configured otherwise */
	__u64 adopt_until_ns;      /* CLOCK_MONOTONIC; until then TCP flows may begin in the middle */
	__u32 flows_max;
	__u8 mac[6];
	__u16 unused;
};

/* slot_class: array of words, slot -> index in `classes`. 0: closed. Memory-mapped, stored atomically. */
/* classes: array of words, memory-mapped, stored atomically: stamp (40 bits) << 24 | offset of the plan in `arena`, in
 * units of 8 words. 0: closed, everything is dropped. Index 0 stays 0. A stamp is never used again, by no class. */
#define CLASS_OFFSET_BITS 24
#define STAMP_BITS 40
#define STAMP_MASK ((1ULL << STAMP_BITS) - 1)

/* arena: array of words, memory-mapped: plans. A plan begins at a multiple of 8 words. Offsets in it are in words from
 * its beginning. */
#define PLAN_MAGIC 0x314e414c50564152ULL /* "RAVPLAN1" as it lies in memory, little-endian */
enum plan_word {
	PLAN_MAGIC_WORD = 0,
	PLAN_WORDS = 1,      /* length of all of it, in words */
	PLAN_DIGEST = 2,     /* xxh3-64 of the words from 8 on, counters taken as 0 */
	PLAN_GENERATION = 3, /* the control plane's */
	PLAN_STAMP = 4,
	PLAN_COUNTERS = 5,   /* offset of the first counter: all of them lie at the end */
	PLAN_INGRESS = 8,    /* direction header, 16 words */
	PLAN_EGRESS = 24,    /* direction header, 16 words */
	PLAN_TABLES = 40,    /* the tables begin here */
};
enum direction_word {
	DIRECTION_RULES = 0,        /* number of rules (low 32 bits), words in a row (high 32 bits) */
	DIRECTION_REMOTE = 1,       /* address table: number of entries (low 32), offset (high 32) */
	DIRECTION_LOCAL = 2,        /* address table */
	DIRECTION_REMOTE_PORTS = 3, /* port table: number of entries (low 32), offset (high 32) */
	DIRECTION_LOCAL_PORTS = 4,  /* port table */
	DIRECTION_VERDICTS = 5,     /* offset; one word a rule: 1 accept, 0 drop */
	DIRECTION_COUNTERS = 6,     /* offset; one word a rule, one more for the implicit end */
	DIRECTION_IMPLICIT = 7,     /* 1 accept, 0 drop */
	DIRECTION_PROTOCOLS = 8,    /* 6 words: offset of the row of each enum protocol_kind */
};
/* Address table: entries of 3 words (high, low, offset of a row), ascending; the first begins at 0. An address belongs to
 * the last entry that does not begin after it. Port table: entries of 1 word, port << 32 | offset of a row, the same
 * way. A protocol without ports is looked up as port 0. Row: bit i of word w is rule 64 * w + i. Where there are no rules
 * all the tables are empty. At most 1,024 rules in both directions together, so at most 16 words a row and at most
 * 2,049 + 2 entries a table. */
#define ROW_WORDS_MAX 16
#define TABLE_ENTRIES_MAX 4096
#define ADDRESS_ENTRY_WORDS 3

enum protocol_kind {
	KIND_TCP = 0,
	KIND_UDP = 1,
	KIND_ICMP = 2,   /* over IPv4 */
	KIND_ICMPV6 = 3, /* over IPv6 */
	KIND_GRE = 4,
	KIND_OTHER = 5,  /* everything else, ICMP over IPv6 and ICMPv6 over IPv4 too */
};

/* allowed: LPM trie, slot and prefix -> 1: further addresses of an interface. prefix_bits counts the slot's 32 bits. */
struct allowed_key {
	__u32 prefix_bits;
	__u32 slot;
	__u8 address[16];
};

/* exempt: LPM trie, prefix -> 1: peers (the host, a metadata service) that no rule is asked about. */
struct exempt_key {
	__u32 prefix_bits;
	__u8 address[16];
};

/* flows: preallocated hash. A tuple as the interface sees it; where a protocol has no ports, 0. An ICMP or ICMPv6 query
 * has its identifier as local and remote port, and in `icmp_type` what the interface's side sends of it: of an echo, 8 or
 * 128 where it asks, 0 or 129 where it is asked. */
struct flow_key {
	__u32 id; /* of the binding */
	__u16 local_port;  /* host byte order */
	__u16 remote_port;
	__u8 protocol;
	__u8 icmp_type;
	__u16 unused;
	__u8 local[16];
	__u8 remote[16];
};

/* The word of a flow: stamp (40 bits, low), then these. Changed by compare-and-swap alone. */
#define FLOW_DEAD (1ULL << 40)
#define FLOW_EGRESS (1ULL << 41) /* begun by the interface */
#define FLOW_NONCE_SHIFT 48      /* 16 random bits, so that no other flow in the same memory has the same word */

enum flow_state {
	STATE_TCP_SYN_SENT = 0,
	STATE_TCP_SYN_RECEIVED = 1,
	STATE_TCP_ESTABLISHED = 2,
	STATE_TCP_FIN_WAIT = 3,   /* one side has said FIN */
	STATE_TCP_TIME_WAIT = 4,  /* both have */
	STATE_TCP_CLOSED = 5,     /* RST */
	STATE_UDP_NEW = 6,        /* one side has spoken */
	STATE_UDP_STREAM = 7,     /* both have */
	STATE_ICMP = 8,
	STATE_GRE_NEW = 9,
	STATE_GRE_STREAM = 10,
	STATE_OTHER = 11,
	STATE_DEAD = 12,          /* a tombstone, for its time-out only */
	STATES = 16,
};
#define STATE_FIN_LOCAL 0x100  /* beside the state in `state` */
#define STATE_FIN_REMOTE 0x200

struct flow {
	__u64 word;
	__u64 begun_ns;        /* CLOCK_MONOTONIC, coarse */
	__u64 seen_local_ns;   /* last packet from the interface; 0: none */
	__u64 seen_remote_ns;
	__u64 packets_local;   /* from the interface; that passed */
	__u64 bytes_local;     /* length of the frame, without Ethernet header */
	__u64 packets_remote;
	__u64 bytes_remote;
	__u32 rule;            /* that decided last: its place in the plan's direction; RULE_IMPLICIT, RULE_EXEMPT */
	__u32 state;
	__u32 slot;            /* whose share it counts in */
	__u16 seen_local_ticks; /* the kernel's ticks when seen_local_ns was written, in units of 8: reading the clock costs more */
	__u16 seen_remote_ticks;
};
#define RULE_IMPLICIT 0xffffffffU
#define RULE_EXEMPT 0xfffffffeU

/* expiry: queue. Each flow stands in it once, with the nonce of its word; an entry whose flow is gone, or is another one, is
 * dropped when its turn comes. */
struct expiry_entry {
	struct flow_key key;
	__u32 nonce;
};

/* sweepers: array of one. Its timer, in the kernel, takes some entries of the queue at a time. */
struct sweeper {
	__u64 entries; /* in the queue, and in the sweeper's hand */
	__u32 armed;   /* whether the timer runs */
	__u32 epoch;   /* of the programs that have set it */
	struct bpf_timer timer;
};

/* shares: array, slot -> what changes with every flow of it. */
struct share {
	__u64 flows;
	__u64 last_event_ns;
	__u64 events_suppressed;
};

/* fragments: array, slot * FRAGMENTS_PER_SLOT + hash % FRAGMENTS_PER_SLOT. `content` is ports and time, `tag` a keyed hash
 * of the datagram's identity and of `content`: a torn pair is none. */
#define FRAGMENTS_PER_SLOT 32
struct fragment {
	__u64 tag;
	__u64 content; /* local port << 48 | remote port << 32 | seconds */
};

/* drops: array, slot * REASONS + reason -> packets. Slot 0: devices that nobody bound. */
enum reason {
	REASON_NONE = 0,
	REASON_RULE = 1,              /* a rule drops it */
	REASON_IMPLICIT = 2,          /* no rule accepts it */
	REASON_DEAD_FLOW = 3,         /* of a flow that was cut */
	REASON_NO_SYN = 4,            /* TCP that does not begin with SYN */
	REASON_SPOOFED_MAC = 5,
	REASON_SPOOFED_ADDRESS = 6,
	REASON_SPOOFED_ARP = 7,
	REASON_SPOOFED_ND = 8,
	REASON_ROGUE_ROUTER = 9,      /* RA or redirect from an instance */
	REASON_ROGUE_DHCP = 10,       /* DHCP server's packet from an instance */
	REASON_INVALID = 11,          /* malformed */
	REASON_FRAGMENT = 12,         /* a fragment whose first was not seen or not admitted, or that overlaps a header */
	REASON_UNRELATED_ERROR = 13,  /* ICMP error that quotes no live flow */
	REASON_FLOW_LIMIT = 14,       /* the interface has its share of flows */
	REASON_TABLE_FULL = 15,
	REASON_UNBOUND = 16,          /* a device that nobody bound */
	REASON_CLOSED = 17,           /* bound, no generation in force */
	REASON_ETHERTYPE = 18,        /* neither ARP, IPv4 nor IPv6 */
	REASON_VLAN = 19,             /* tagged */
	REASON_DESTINATION = 20,      /* to the interface, for another MAC or address */
	REASON_INTERNAL = 21,         /* the plan is not what the class says: closed */
	REASONS = 32,
};

/* events: ring buffer. One dropped packet; sampled. */
struct event {
	__u64 at_ns;   /* CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 slot;    /* 0: unbound */
	__u32 id;
	__u32 rule;    /* where a rule decided */
	__u16 reason;
	__u8 direction; /* 0 ingress (to the interface), 1 egress */
	__u8 protocol;
	__u16 ethertype;
	__u16 local_port;
	__u16 remote_port;
	__u16 length;
	__u32 unused;
	__u8 local[16];
	__u8 remote[16];
};

/* settings: array of one. */
struct settings {
	__u64 timeout_ns[STATES]; /* by flow_state */
	__u64 event_interval_ns;  /* the least time between two events of an interface */
	__u64 seed[2];            /* of the hash of fragments; secret */
	__u32 exempt;             /* whether `exempt` has entries */
	__u32 arena_words;
	__u32 expiry_max;         /* the most entries of `expiry`, fewer than it has room for */
	__u32 epoch;              /* the id of a program: another one has other programs set the sweeper's timer */
};

/* What a test run reads in cb[] of the packet: reason (0: passed), and where the rules were asked, 1 + the deciding
 * rule's place in its direction, or RULE_IMPLICIT; else 0. */
#define CB_REASON 0
#define CB_RULE 1

#endif
