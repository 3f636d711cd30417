# What the scenarios share: how they say what held, and how they look at jobs and groups.
# A line begins with "ok ", "not ok ", "figure " or "note "; the rest of the output is for whoever looks for a fault.

export HENG_STATE_DIR=/tmp/state
groups=/sys/fs/cgroup

# So that a scenario comes to its end, whatever does not.
heng() { timeout 180 /opt/heng/heng "$@"; }

# check NAME COMMAND...: whether the command succeeds.
check() {
    local name=$1
    shift
    echo "at $(cut -d' ' -f1 /proc/uptime)"
    if "$@"; then
        echo "ok $name"
    else
        echo "not ok $name ($*)"
        patience=15
    fi
}

figure() { echo "figure $*"; }

# soon COMMAND...: waits until the command succeeds, for two minutes of the guest's time at most; once something did
# not hold, what follows from it is not worth so much.
patience=120
soon() {
    deadline=$(($(uptime_seconds) + patience))
    until "$@"; do
        [ "$(uptime_seconds)" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

uptime_seconds() { cut -d. -f1 /proc/uptime; }

# The time since boot in hundredths of a second.
now() { cut -d' ' -f1 /proc/uptime | tr -d .; }

# between LOW VALUE HIGH, with fractions.
between() { awk -v low="$1" -v value="$2" -v high="$3" 'BEGIN { exit !(value != "" && low <= value && value <= high) }'; }

# same A B, contains TEXT PART: of texts.
same() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; false; }; }
contains() { case $1 in *"$2"*) ;; *) echo "'$2' is not in: $1"; false ;; esac; }
lacks() { case $1 in *"$2"*) echo "'$2' is in: $1"; false ;; esac; }
refuses() { ! "$@"; }

# A JSON text without blanks and line ends.
flat() { tr -d ' \n'; }

submit() { heng submit --parsable "$@"; }
state() { heng show --json "$1" | sed -n 's/^ *"state" : "\(.*\)",*$/\1/p' | head -n 1; }
is_state() { [ "$(state "$1")" = "$2" ]; }
attempt() { heng show --json "$1" | sed -n 's/^ *"attempt" : \([0-9]*\),*$/\1/p' | head -n 1; }

# The processes of the ranks of a job, in order.
processes() { heng show --json "$1" | flat | sed -n 's/.*"processes":\[\([0-9,]*\)\].*/\1/p' | tr , ' '; }

# Probes write their process numbers here, as folder/pid.RANK.
pid() { cat "$1/pid.${2:-0}" 2>/dev/null; }
has_pid() { [ -s "$1/pid.${2:-0}" ]; }
has_line() { grep -q "$2" "$1" 2>/dev/null; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# The group of a process.
group() { echo "$groups$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; }

# The part of the anonymous memory of a group that lies on a node, in percent.
locality() {
    awk -v node="N$2" '$1 == "anon" {
        for (i = 2; i <= NF; i++) { split($i, part, "="); all += part[2]; if (part[1] == node) own += part[2] }
    } END { if (all) printf "%.2f\n", 100 * own / all }' "$1/memory.numa_stat"
}

# Groups and processes that should be gone.
leftovers() { find "$groups" -name 'heng-*' -type d; }
no_leftovers() { [ -z "$(leftovers)" ]; }
probes() { pidof probe | wc -w; }
no_probes() { [ "$(probes)" -eq 0 ]; }

# A fresh folder for the files of a job.
folder() { mkdir -p "/tmp/trial/$1" && chmod 777 "/tmp/trial/$1" && echo "/tmp/trial/$1"; }

# What one of the groups around a process says in a file: a limit may lie at the job or at the device around it.
limit() {
    path=$(group "$1")
    while [ "$path" != "$groups" ]; do
        cat "$path/$2" 2>/dev/null
        path=${path%/*}
    done
}

in_attempt() { [ "$(attempt "$1")" = "$2" ] && is_state "$1" RUNNING; }
started_again() { [ "$(attempt "$1")" -ge 2 ]; }
ranks_run() { for rank in 0 1 2 3; do has_pid "$1" $rank || return 1; done; }

# What is left when hengd has ended.
check_the_end() {
    check "hengd ends" heng down --quiet
    check "no group is left" soon no_leftovers
    check "no probe is left" no_probes
    check "no supervisor is left" refuses pidof heng-step
    check "no shared region is left" same "" "$(ls /dev/shm)"
}

start_daemon() {
    heng up --parsable >/tmp/daemon
    daemon=$(cat /tmp/daemon)
    check "hengd is up" test -n "$daemon"
}
