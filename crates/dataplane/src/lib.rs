//! What the kernel does: security groups enforced at the interface of one Linux host. See docs/dataplane.md.
