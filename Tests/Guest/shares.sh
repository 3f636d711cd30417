# Shares of core time and quotas of memory, at the speed of the machine: one processor, no NUMA, no cpuset.
. /opt/heng/lib.sh
mkdir /tmp/trial
start_daemon
check "the kernel has no cpuset here" lacks "$(cat $groups/cgroup.controllers)" cpuset
status=$(heng status)
check "compute, memory, processes and freeze are declared hard" \
    contains "$status" "compute hard, cores soft, freeze hard, memory hard, numa soft, processes hard"
check "doctor names what is soft" contains "$(heng doctor)" "soft: affinity"
check "hard isolation is refused where cores are soft" refuses heng submit --isolation hard --wait -- true

# Jobs at once on the one processor, each with its own share; they begin together, when nothing else has work to do.
spin() {
    mkdir -p "/tmp/trial/$2"
    submit --device "cpu:$1" -o "/tmp/trial/$2/out" -- probe spin 5 "/tmp/trial/$2"
}
go() {
    for name; do soon has_pid "/tmp/trial/$name"; done
    sleep 0.5
    for name; do touch "/tmp/trial/$name/go"; done
    sleep 5.5
}
# within_3_percent TRY: starts the three, and prints what each got.
within_3_percent() {
    jobs="$(spin 0.1 "tenth$1") $(spin 0.25 "quarter$1") $(spin 0.5 "half$1")"
    go "tenth$1" "quarter$1" "half$1"
    heng wait --quiet $jobs || return 1
    all_hold=true
    for pair in 0.1:tenth 0.25:quarter 0.5:half; do
        share=${pair%:*}
        got=$(cat "/tmp/trial/${pair#*:}$1/out")
        error=$(awk -v got="$got" -v share="$share" 'BEGIN { printf "%.2f", 100 * (got / share - 1) }')
        figure "share $share beside others: got $got, error $error %"
        check "a share of $share never gives more than 3 % too much" between -100 "$error" 3
        between -3 "$error" 3 || all_hold=false
    done
    $all_hold
}
# The guest does not see when a busy machine lets it wait, and what it misses then looks like too small a share.
check "shares hold within 3 % in one of three tries" eval "within_3_percent 1 || within_3_percent 2 || within_3_percent 3"

# Two halves against the whole.
job=$(spin 1 whole)
go whole
check "a whole processor runs" heng wait --quiet $job
jobs="$(spin 0.5 left) $(spin 0.5 right)"
go left right
check "two halves run" heng wait --quiet $jobs
sum=$(cat /tmp/trial/left/out /tmp/trial/right/out /tmp/trial/whole/out | tr '\n' ' ' | awk '{ printf "%.4f", ($1 + $2) / $3 }')
figure "two halves against the whole: $sum"
check "two halves are at least 0.97 of the whole" between 0.97 "$sum" 1.03

# Memory: within the quota it runs, over it is ended, and never has more.
check "within its quota a job runs" heng submit --mem 64MiB --wait --quiet -- probe hold 48 0 /tmp/trial
job=$(submit --mem 64MiB -- probe hold 96 0 /tmp/trial)
heng wait --quiet $job
sheet=$(heng show $job)
check "over its quota a job is ended as OOM_QUOTA" contains "$sheet" OOM_QUOTA
check "and its peak is not above the quota" contains "$sheet" "Peak memory: 64 MiB"

# A virtual device tries out its limits.
heng vdev create part --share 0.25 --mem 64MiB --quiet
tried() { lacks "$(heng vdev list)" "not tried out yet" >/dev/null; }
check "a virtual device tries out its limits" soon tried
device=$(heng vdev list --json | flat)
check "they hold" lacks "$device" '"isHeld":false'
check "compute and memory are hard" contains "$device" '"name":"memory","strength":"hard"'
figure "self-test of a quarter: $(echo "$device" | sed -n 's/.*"measured":\([0-9.]*\),"name":"compute".*/\1/p') CPUs"
mkdir /tmp/trial/part
job=$(submit --vdev part -o /tmp/trial/part/out -- probe spin 5 /tmp/trial/part)
go part
check "a job runs in it" heng wait --quiet $job
check "and gets no more than its share" between 0.2 "$(cat /tmp/trial/part/out)" 0.2575
check "virtual device deleted" heng vdev delete part --quiet

# A swarm that ignores SIGTERM.
job=$(submit --grace 1s -- probe swarm 40 60 /tmp/trial)
check "a swarm runs" soon has_pid /tmp/trial
sleep 1
figure "processes of the swarm: $(probes)"
heng cancel --quiet $job
check "a swarm that ignores SIGTERM is ended" soon is_state $job CANCELLED
check "nobody of it is left" no_probes

heng down --quiet
check "no group is left" soon no_leftovers
