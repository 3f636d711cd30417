# Four NUMA nodes and all controllers of version 2, as root. Node 0 is larger than the others, which have a quarter of a GiB.
. /opt/heng/lib.sh
mkdir /tmp/trial
cd /tmp/trial

# local_to PID NODE: what its group's memory.numa_stat says, in percent.
local_to() { locality "$(group "$1")" "$2"; }
node_of() { cat "$(group "$1")/cpuset.cpus"; } # node N has processor N
lowest() { sort -n | head -n 1; }

# MARK: What there is

echo "note MiB free on the nodes: $(numactl -H | sed -n 's/.*free: \([0-9]*\).*/\1/p' | tr '\n' ' ')"
start_daemon
status=$(heng status)
check "all limits are declared hard" contains "$status" \
    "compute hard, cores hard, freeze hard, memory hard, numa hard, processes hard"
described=$(heng describe --json | flat)
for distances in 10,16,32,32 16,10,32,32 32,32,10,16 32,32,16,10; do
    check "describe shows a node with distances $distances" contains "$described" "\"distances\":[$distances]"
done

# MARK: Training on four nodes

job=$(submit --ranks 4 --per numa --mem 64MiB --time 10 -- heng bench-worker train --seed 1 --steps 1000 --answer /tmp/trial/answer)
measured=""
sample() {
    for process in $(processes "$job"); do
        measured="$measured $(local_to "$process" "$(node_of "$process")")"
    done 2>/dev/null
    [ -n "$measured" ]
}
soon is_state "$job" RUNNING
sleep 1
check "four ranks train" soon sample
sample
check "the training ends well" heng wait --quiet "$job"
check "and leaves its answer" test -s /tmp/trial/answer
figure "training, local anonymous pages of the ranks in percent:$measured"
check "at least 95 % of each rank's memory is local" between 95 "$(echo "$measured" | tr ' ' '\n' | grep . | lowest)" 100

# MARK: A lost rank

# steps FOLDER: the least step that a rank has saved.
steps() { cat "$1"/step.? 2>/dev/null | lowest; }
saved() { [ "$(cat "$1"/step.? 2>/dev/null | wc -l)" -eq 4 ] && [ "$(steps "$1")" -ge "$2" ]; }

train() { # NAME STEPS OPTIONS...: a training that saves each step
    name=$1 count=$2
    shift 2
    submit --ranks 4 --per numa --mem 96MiB -o "/tmp/trial/$name.%t" --open-mode append "$@" -- \
        probe train 48 "$count" "$(folder "$name")"
}
job=$(train lost 30 --retries 1)
soon ranks_run lost
for rank in 0 1 2 3; do
    process=$(pid lost $rank)
    part=$(local_to "$process" "$(node_of "$process")")
    figure "probe, local anonymous pages of rank $rank: $part %"
    check "at least 95 % of rank $rank are local" between 95 "$part" 100
done
soon saved lost 4
before=$(steps lost)
others="$(pid lost 0) $(pid lost 1) $(pid lost 3)"
kill -9 "$(pid lost 2)"
check "a rank that is killed takes the gang along" soon is_gone "${others%% *}"
check "the gang starts again" soon started_again "$job"
check "and ends well" heng wait --quiet "$job"
resumed=$(sed -n 's/begins after step //p' lost.0 | tail -n 1)
check "from its checkpoint" test "$resumed" -ge "$before"
check "to the last step" test "$(steps lost)" -eq 30
contains "$(heng show "$job")" "killed by something else"

job=$(train unwatched 25)
soon saved unwatched 3
kill -9 "$(awk '{ print $4 }' "/proc/$(pid unwatched 1)/stat")"
check "a supervisor that is killed is no fault of the job, which starts again" soon started_again "$job"
check "and ends well without retries" heng wait --quiet "$job"
check "from its checkpoint" test "$(sed -n 's/begins after step //p' unwatched.3 | tail -n 1)" -ge 3

# MARK: Four replicas, kill -9 of hengd, suspension

job=$(submit --ranks 4 --per numa --mem 128MiB --mem-bind strict -- probe hold 100 600 "$(folder replicas)")
check "four replicas run" soon ranks_run replicas
measured=""
for rank in 0 1 2 3; do measured="$measured $(local_to "$(pid replicas $rank)" "$(node_of "$(pid replicas $rank)")")"; done
figure "replicas, local anonymous pages in percent:$measured"
check "at least 95 % of each replica are local" between 95 "$(echo "$measured" | tr ' ' '\n' | grep . | lowest)" 100
check "each has a node of its own" same 0123 "$(for rank in 0 1 2 3; do node_of "$(pid replicas $rank)"; done | sort | tr -d '\n')"

first=$(pid replicas 0)
heng suspend --quiet "$job"
check "they are suspended" soon is_state "$job" SUSPENDED
check "by cgroup.freeze" has_line "$(group "$first")/cgroup.events" "frozen 1"
kill -9 "$daemon"
start_daemon
check "hengd that was killed adopts a frozen job" is_state "$job" SUSPENDED
heng resume --quiet "$job"
check "and resumes it" soon is_state "$job" RUNNING
check "thawed" has_line "$(group "$first")/cgroup.events" "frozen 0"
kill -9 "$daemon"
start_daemon
check "a running job is adopted in its first attempt" in_attempt "$job" 1
check "with the same processes" contains " $(processes "$job") " " $first "
heng cancel --quiet "$job"
check "it can be cancelled" soon is_state "$job" CANCELLED

# MARK: Memory

# hungry OPTIONS...: prints the number of a job that wants more than a small node has, once it has ended.
hungry() { job=$(submit "$@" -- probe hold 300 0 "$(folder hungry)"); heng wait --quiet "$job"; echo "$job"; }
check "strict: more than the node has is OOM_NUMA_NODE" contains "$(heng show "$(hungry --numa 1 --mem-bind strict)")" OOM_NUMA_NODE
check "preferred: it runs" is_state "$(hungry --numa 1)" COMPLETED
job=$(submit --numa 1 -- probe hold 300 600 "$(folder spill)")
soon has_pid spill
part=$(local_to "$(pid spill)" 1)
figure "preferred, 300 MiB on a node of 251 MiB: $part % local, the rest elsewhere"
check "and spills to other nodes" between 40 "$part" 95
heng cancel --quiet "$job"

job=$(submit --mem 64MiB -- probe hold 128 0 /tmp/trial)
heng wait --quiet "$job"
sheet=$(heng show "$job")
check "over its quota a job is OOM_QUOTA" contains "$sheet" OOM_QUOTA
check "and never had more" contains "$sheet" "Peak memory: 64 MiB"

# MARK: A virtual device that moves

# One that may move: it grows out of a small node, and its pages go along.
check "a device on a small node is made" heng vdev create roam --cores 1 --mem 150MiB --mem-bind strict --span --quiet
job=$(submit --vdev roam --mem-bind strict -- probe hold 100 600 "$(folder roam)")
soon has_pid roam
from=$(node_of "$(pid roam)")
check "it begins on a small node" test "$from" -ne 0
start=$(now)
heng vdev resize roam --mem 500MiB --quiet
moved() { between 99 "$(local_to "$(pid roam)" 0)" 100; }
check "its pages move to the large node" soon moved
figure "100 MiB moved from node $from to node 0 in at most $(($(now) - start)) hundredths of a second"
check "cpuset.mems is the new node" contains "$(limit "$(pid roam)" cpuset.mems)" 0
check "the process is bound to its processor" has_line "/proc/$(pid roam)/status" "Cpus_allowed_list:.0$"
heng cancel --quiet "$job"
soon is_state "$job" CANCELLED
check "deleted" heng vdev delete roam --quiet

check_the_end
