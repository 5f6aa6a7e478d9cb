# Runs in the container when it has booted: installs the package and uses it, and looks again after a reboot.

fail() {
    echo "FAILED: $1"
    systemctl status --no-pager --full 'ravelin*' || true
    journalctl --no-pager --lines=60 --unit='ravelin*' || true
    exit 1
}
is() {
    found=$(systemctl show --value --property="$2" "$1")
    [ "$found" = "$3" ] || fail "$2 of $1 is $found and not $3"
}
# Waits until something is so.
until_so() {
    tries=0
    until sh -c "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "never: $1"
        sleep 0.1
    done
}
# The value of a text in JSON that stands on lines of its own.
value() {
    sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" | head -n 1
}
status() {
    ravelin agent status --json
}
devices() {
    ip link add guarded0 type veth peer name other0
    ip link add web0 type veth peer name other1
}

control_plane() {
    # The control plane serves, as its own user, and writes nothing but its own.
    is ravelin.service ActiveState inactive
    sed -i 's/^#node_listen = .*/node_listen = "127.0.0.1:8019"/' /etc/ravelin/serve.toml
    systemctl enable --now ravelin.service || fail "the control plane does not start"
    is ravelin.service ActiveState active
    systemctl show --value --property=StatusText ravelin.service | grep -q '^serving http://127.0.0.1:8017' ||
        fail "it does not say so"
    [ "$(stat --format '%a %U' /var/lib/ravelin)" = "700 ravelin" ] || fail "the data is not the own of its user"
    runuser -u ravelin -- ravelin backup --data /var/lib/ravelin /var/backups/ravelin/one || fail "there is no backup"
    if runuser -u ravelin -- ravelin backup --data /var/lib/ravelin /tmp/one; then
        fail "a backup went where nobody finds it"
    fi
}

agent() {
    # A host joins. Before that there is nothing to run.
    systemctl enable --now ravelin-agent.service
    is ravelin-agent.service ActiveState inactive
    sed -i 's/^#guard = .*/guard = ["guarded*"]/' /etc/ravelin/agent.toml
    devices
    region=$(ravelin ens DescribeEnsRegions | value EnsRegionId)
    ravelin api CreateNodeToken --EnsRegionId "$region" > /token
    node=$(value NodeId < /token)
    value Token < /token | ravelin agent join --server 127.0.0.1:8019 --token-file - || fail "the host does not join"
    systemctl start ravelin-agent.service || fail "the agent does not start"
    is ravelin-agent-restore.service ActiveState active
    is ravelin-agent.service ActiveState active
    until_so 'ravelin agent status --json | grep -q "\"connected\": *true"'

    # What is bound is enforced, what is guarded is closed.
    ravelin ens RunInstances --EnsRegionId "$region" > /instance
    instance=$(grep -o 'i-[0-9a-z]*' /instance | head -n 1)
    until_so "ravelin ens DescribeInstances --InstanceId $instance | grep -q '\"Running\"'"
    interface=$(ravelin ens DescribeNetworkInterfaces --InstanceId "$instance" | value NetworkInterfaceId)
    ravelin bind --network-interface "$interface" --node "$node" --device web0 || fail "it is not bound"
    until_so 'ravelin agent status --json | grep -q "\"bound\": *1"'
    status | grep -q '"guarded": *1' || fail "the guarded device is not closed: $(status)"

    # Killed, it is started again, and the kernel's programs have not been touched.
    pins=$(find /sys/fs/bpf/ravelin/agent -path '*links*' | sort)
    [ -n "$pins" ] || fail "nothing is pinned"
    before=$(systemctl show --value --property=MainPID ravelin-agent.service)
    kill -9 "$before"
    until_so "[ \$(systemctl show --value --property=MainPID ravelin-agent.service) -ne $before ]"
    until_so 'ravelin agent status --json | grep -q "\"connected\": *true"'
    [ "$pins" = "$(find /sys/fs/bpf/ravelin/agent -path '*links*' | sort)" ] || fail "programs were attached anew"
}

upgrade() {
    server=$(systemctl show --value --property=MainPID ravelin.service)
    agent=$(systemctl show --value --property=MainPID ravelin-agent.service)
    DEBIAN_FRONTEND=noninteractive dpkg --install /package.deb
    is ravelin.service ActiveState active
    is ravelin-agent.service ActiveState active
    is ravelin-agent-restore.service ActiveState active
    [ "$server" != "$(systemctl show --value --property=MainPID ravelin.service)" ] || fail "the server was not restarted"
    [ "$agent" != "$(systemctl show --value --property=MainPID ravelin-agent.service)" ] || fail "the agent was not restarted"
    [ "$pins" = "$(find /sys/fs/bpf/ravelin/agent -path '*links*' | sort)" ] || fail "the upgrade attached programs anew"
}

if [ ! -e /second ]; then
    echo booted
    DEBIAN_FRONTEND=noninteractive dpkg --install /package.deb
    control_plane
    set -a
    . /var/lib/ravelin/root-access-key
    set +a
    agent
    upgrade
    # The next boot is without a control plane.
    systemctl disable --now ravelin.service
    is ravelin.service Result success
    touch /second
    echo "first boot is done"
else
    is ravelin.service ActiveState inactive
    is ravelin-agent-restore.service ActiveState active
    is ravelin-agent.service ActiveState active
    # What makes devices comes after restoring, and devices are closed or bound as they come.
    systemctl show --value --property=Before ravelin-agent-restore.service | grep -q network-pre.target || fail "it is late"
    devices
    until_so 'ravelin agent status --json | grep -q "\"bound\": *1"'
    until_so 'ravelin agent status --json | grep -q "\"guarded\": *1"'
    status | grep -q '"connected": *false' || fail "there is no control plane to be connected to"
    systemctl show --value --property=StatusText ravelin-agent.service | grep -q frozen || fail "it does not say that it is frozen"
    # Removal stops the agent and leaves what is in force.
    DEBIAN_FRONTEND=noninteractive dpkg --remove ravelin
    is ravelin-agent.service ActiveState inactive
    find /sys/fs/bpf/ravelin/agent -path '*links*' | grep -q . || fail "removal took out of force what was in it"
    echo "all is well"
fi
