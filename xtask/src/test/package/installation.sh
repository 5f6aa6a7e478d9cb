# Installs a package in a copy of this machine's root that is written to memory, looks, and removes it again. Everything goes
# with the mount namespace that this runs in.
package=$1

fail() {
    echo "$1"
    exit 1
}
# Everything that dpkg says, so that it is there to be looked for, and shown where something fails.
run() {
    said=$(chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@" 2>&1) || fail "$* failed: $said"
}
mode() {
    chroot "$root" stat --format '%a %U' "$1"
}

memory=/mnt
mount -t tmpfs tmpfs "$memory"
mkdir "$memory/upper" "$memory/work" "$memory/root"
root=$memory/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$memory/upper,workdir=$memory/work" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp "$package" "$root/package.deb"
# What this machine has of it already would hide what the package does.
run dpkg --purge ravelin
rm -rf "$root/etc/ravelin" "$root/var/lib/ravelin" "$root/var/lib/ravelin-agent" "$root/var/backups/ravelin"

run dpkg --install /package.deb
run ravelin --version
run id ravelin
[ "$(mode /var/backups/ravelin)" = "700 ravelin" ] || fail "backups are not the own of their user"
find "$root/etc/systemd" -name '*ravelin*' | grep . && fail "a unit was enabled without being asked for"

# An upgrade keeps what was changed.
echo 'log = "warn"' >> "$root/etc/ravelin/serve.toml"
run dpkg --install --force-confold /package.deb
grep -q '^log = "warn"' "$root/etc/ravelin/serve.toml" || fail "the settings were not kept"
run dpkg --verify ravelin

# Removal says what becomes of what is enforced, and keeps settings and state.
mkdir -p "$root/sys/fs/bpf/ravelin/agent" "$root/var/lib/ravelin/store" "$root/var/lib/ravelin-agent"
requires=$root/etc/systemd/system/libvirtd.service.requires
mkdir -p "$requires"
ln -s /usr/lib/systemd/system/ravelin-agent-restore.service "$requires/"
run dpkg --remove ravelin
echo "$said" | grep -q 'NOTHING is enforced' || fail "removal does not say what it means: $said"
[ ! -e "$root/usr/bin/ravelin" ] || fail "the program was not removed"
[ -e "$root/etc/ravelin/serve.toml" ] || fail "the settings were removed"
[ -d "$root/var/lib/ravelin-agent" ] || fail "the state of the agent was removed"
[ -d "$root/sys/fs/bpf/ravelin/agent" ] || fail "what is enforced was removed"

# Purging takes the rest, but for the data of a control plane.
run dpkg --purge ravelin
echo "$said" | grep -q 'is kept' || fail "purging does not say what it keeps: $said"
[ ! -e "$root/etc/ravelin" ] || fail "the settings were not purged"
[ ! -e "$root/var/lib/ravelin-agent" ] || fail "the state of the agent was not purged"
[ -d "$root/var/lib/ravelin/store" ] || fail "the data of the control plane was purged"
[ ! -L "$requires/ravelin-agent-restore.service" ] || fail "libvirt still waits for what is gone"
