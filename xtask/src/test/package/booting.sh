# Boots a copy of this machine's root, written to memory, in which a script runs at the end of each boot. Prints what that
# said. Everything goes with the mount namespace that this runs in.
package=$1
script=$2

memory=/mnt
mount -t tmpfs tmpfs "$memory"
mkdir "$memory/upper" "$memory/work" "$memory/root" "$memory/pins"
root=$memory/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$memory/upper,workdir=$memory/work" "$root"
cp "$package" "$root/package.deb"
cp "$script" "$root/booted.sh"
rm -rf "$root/etc/ravelin" "$root/var/lib/ravelin" "$root/var/lib/ravelin-agent" "$root/var/backups/ravelin"
# A container of its own, and not the one that this may run in; and services may be restarted in it.
rm -f "$root/.dockerenv" "$root/usr/sbin/policy-rc.d"
: > "$root/etc/machine-id"
: > "$root/said"
cat > "$root/etc/systemd/system/booted.service" <<'END'
[Unit]
After=basic.target ravelin-agent-restore.service ravelin-agent.service
[Service]
Type=oneshot
ExecStart=/bin/sh -eu /booted.sh
ExecStopPost=/bin/systemctl --force poweroff
StandardOutput=append:/said
StandardError=append:/said
END
wants=$root/etc/systemd/system/multi-user.target.wants
mkdir -p "$wants"
ln -sf /etc/systemd/system/booted.service "$wants/"

boot() {
    # What a reboot takes away.
    mount -t bpf bpf "$memory/pins"
    timeout --kill-after=10 300 systemd-nspawn --quiet --keep-unit --register=no --directory="$root" --private-network \
        --capability=all --system-call-filter=bpf --bind="$memory/pins:/sys/fs/bpf" --console=pipe --boot \
        systemd.show_status=0 systemd.unit=multi-user.target >"$memory/console" 2>&1 || true
    umount "$memory/pins"
}

boot
grep -q '^first boot is done' "$root/said" && boot
cat "$root/said"
