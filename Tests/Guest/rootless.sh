# Version 2 without root: what somebody gets who was given a part of the tree, all of it or some, and who was given none.
. /opt/heng/lib.sh
mkdir -m 777 /tmp/trial
cd /tmp/trial

# slice NAME CONTROLLERS: a group of root's that passes controllers on, as systemd makes it around units.
slice() {
    slice=$groups/$1
    mkdir "$slice"
    echo "$2" >$groups/cgroup.subtree_control
    echo "$2" >"$slice/cgroup.subtree_control"
}
# unit NAME: a unit that is the worker's: its folder, and the three files that a delegation names.
unit() {
    unit=$slice/$1
    mkdir "$unit"
    chown worker "$unit" "$unit/cgroup.procs" "$unit/cgroup.subtree_control" "$unit/cgroup.threads"
}
# inside UNIT COMMAND: as the worker, begun in the unit, as `systemd-run --user --scope -p Delegate=yes` does.
inside() { sh -c 'echo 0 >'"$1"'/cgroup.procs; exec su worker -c "exec '"$2"'"'; }
worker() { su worker -c "export HENG_STATE_DIR=/tmp/worker; $1"; }
# The daemon cannot remove the group that it is in; systemd removes it with the unit.
only_the_daemons() { [ "$(leftovers | wc -l)" -eq "$1" ] && ! cat $(leftovers | sed 's,$,/cgroup.procs,') | grep -q .; }
export HENG_STATE_DIR=/tmp/worker

slice all "+cpu +cpuset +memory +pids"
unit whole
check "hengd starts in a delegated unit" inside "$unit" "heng up --quiet"
check "and declares all limits hard" contains "$(worker "heng status")" \
    "compute hard, cores hard, freeze hard, memory hard, numa hard, processes hard"
check "hard isolation is granted" worker "heng submit --isolation hard --cores 0.5 --mem 64MiB --wait --quiet -- true"
job=$(worker "heng submit --parsable --cores 0.5 --mem 64MiB --numa 1 --mem-bind strict -- probe hold 40 600 $(folder worker)")
soon has_pid worker
process=$(pid worker)
check "a job is the worker's" same "$(stat -c %U /proc/"$process")" worker
check "below the unit" contains "$(group "$process")" "$unit/"
check "with half of a processor" contains "$(limit "$process" cpu.max)" "25000 50000"
check "its memory" contains "$(limit "$process" memory.max)" 67108864
check "its node" contains "$(limit "$process" cpuset.mems)" 1
part=$(locality "$(group "$process")" 1)
check "where at least 95 % of its pages are" between 95 "$part" 100
worker "heng suspend --quiet $job"
check "it can be frozen" soon has_line "$(group "$process")/cgroup.events" "frozen 1"
worker "heng resume --quiet $job; heng cancel --quiet $job"
check "and cancelled" soon is_gone "$process"
job=$(worker "heng submit --parsable --mem 64MiB -- probe hold 128 0 /tmp/trial")
worker "heng wait --quiet $job"
check "over its quota a job is OOM_QUOTA" contains "$(worker "heng show $job")" OOM_QUOTA
job=$(worker "heng submit --parsable --grace 1s -- probe swarm 30 600 $(folder workers)")
soon has_pid workers
worker "heng cancel --quiet $job"
check "a swarm is ended whole" soon no_probes
check "hengd ends" worker "heng down --quiet"
check "no group is left but the one that it was in" soon only_the_daemons 1

# As Debian delegates to users: neither cores nor their time.
slice some "+memory +pids"
unit part
check "hengd starts where only memory and processes are delegated" inside "$unit" "heng up --quiet"
status=$(worker "heng status")
check "and declares the rest as it is" contains "$status" \
    "compute not enforced, cores soft, freeze hard, memory hard, numa soft, processes hard"
check "hard isolation is refused there" refuses worker "heng submit --isolation hard --cores 0.5 -- true"
check "a job runs" worker "heng submit --mem 64MiB --cores 0.5 --wait --quiet -- true"
check "and is told why" contains "$(worker "heng show last")" "the cpuset controller is not delegated to $unit"
check "hengd ends" worker "heng down --quiet"
check "no group is left but the one that it was in" soon only_the_daemons 2

# Named from outside: groups can be made there, and nobody may enter them.
check "hengd starts outside of its unit" worker "HENG_CGROUP=$unit heng up --quiet"
check "and declares nothing hard" lacks "$(worker "heng status")" hard
check "a job runs there too" worker "heng submit --mem 64MiB --wait --quiet -- true"
check "hengd ends" worker "heng down --quiet"

# Nothing delegated at all.
check "hengd starts without any group" worker "heng up --quiet"
check "and declares nothing hard" lacks "$(worker "heng status")" hard
check "a job runs there too" worker "heng submit --mem 64MiB --numa 1 --wait --quiet -- true"
check "hengd ends" worker "heng down --quiet"
check "no group is left of them" soon only_the_daemons 1
check "no probe is left" no_probes
check "no supervisor is left" refuses pidof heng-step
