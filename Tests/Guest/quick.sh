# The short scenario of the test suite: what version 2 of control groups holds jobs to. No figure that a busy machine moves.
. /opt/heng/lib.sh
mkdir /tmp/trial
cd /tmp/trial
start_daemon
check "what has a controller is declared hard, and the rest soft" contains "$(heng status)" \
    "compute hard, cores soft, freeze hard, memory hard, numa soft, processes hard"

job=$(submit --mem 64MiB -- probe hold 96 0 /tmp/trial)
heng wait --quiet "$job"
sheet=$(heng show "$job")
check "over its quota a job is ended as OOM_QUOTA" contains "$sheet" OOM_QUOTA
check "and its peak is not above the quota" contains "$sheet" "Peak memory: 64 MiB"

job=$(submit --device cpu:0.5 --mem 64MiB -- probe hold 40 600 "$(folder held)")
check "a job runs" soon has_pid held
group=$(group "$(pid held)")
check "in a group of its own" contains "$group" "$groups/heng-"
check "with half of the time" contains "$(limit "$(pid held)" cpu.max)" "25000 50000"
check "and its memory" contains "$(limit "$(pid held)" memory.max)" 67108864
mkdir "$group/below"
heng suspend --quiet "$job"
check "it can be frozen" soon has_line "$group/cgroup.events" "frozen 1"
kill -9 "$daemon"
start_daemon
heng resume --quiet "$job"
check "and resumed by a hengd that was started after a kill -9" soon has_line "$group/cgroup.events" "frozen 0"
heng cancel --quiet "$job"
check "and cancelled" soon is_gone "$(pid held)"
check "a group below its own goes with it" soon refuses test -e "$group"

job=$(submit --grace 1s -- probe swarm 4 600 "$(folder swarm)")
check "a swarm runs that ignores SIGTERM and forks on" soon has_pid swarm
heng cancel --quiet "$job"
check "and is ended whole" soon no_probes
check_the_end
