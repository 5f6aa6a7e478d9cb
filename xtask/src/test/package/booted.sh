# Runs in the container when it has booted: installs the package and uses it, and looks again after a reboot.

fail() {
    echo "FAILED: $1"
    systemctl status --no-pager --full 'ravelin*' || true
    journalctl --no-pager --lines=50 --unit='ravelin*' || true
    exit 1
}
is() {
    found=$(systemctl show --value --property="$2" "$1")
    [ "$found" = "$3" ] || fail "$2 of $1 is $found and not $3"
}

if [ ! -e /second ]; then
    echo booted
    DEBIAN_FRONTEND=noninteractive dpkg --install /package.deb
    is ravelin.service ActiveState inactive

    # The control plane serves, as its own user, and writes nothing but its own.
    sed -i 's/^#node_listen = .*/node_listen = "127.0.0.1:8019"/' /etc/ravelin/serve.toml
    systemctl enable --now ravelin.service || fail "the control plane does not start"
    is ravelin.service ActiveState active
    systemctl show --value --property=StatusText ravelin.service | grep -q '^serving http://127.0.0.1:8017' || fail "it does not say so"
    [ "$(stat --format '%a %U' /var/lib/ravelin)" = "700 ravelin" ] || fail "the data is not the own of its user"
    runuser -u ravelin -- ravelin backup --data /var/lib/ravelin /var/backups/ravelin/one || fail "there is no backup"
    if runuser -u ravelin -- ravelin backup --data /var/lib/ravelin /tmp/one; then
        fail "a backup went where nobody finds it"
    fi

    # An upgrade restarts it.
    before=$(systemctl show --value --property=MainPID ravelin.service)
    DEBIAN_FRONTEND=noninteractive dpkg --install /package.deb
    is ravelin.service ActiveState active
    [ "$before" != "$(systemctl show --value --property=MainPID ravelin.service)" ] || fail "the upgrade did not restart it"
    systemctl stop ravelin.service
    is ravelin.service Result success
    touch /second
    echo "first boot is done"
else
    is ravelin.service ActiveState active
    echo "all is well"
fi
