# All controllers of version 2: jobs that do not want to end, preemption, and virtual devices.
. /opt/heng/lib.sh
mkdir /tmp/trial
cd /tmp/trial
start_daemon

# MARK: Jobs that do not want to end

job=$(submit --grace 1s -- probe swarm 30 600 "$(folder swarm)")
soon has_pid swarm
sleep 1
figure "processes of a swarm: $(probes)"
heng cancel --quiet "$job"
check "a swarm that ignores SIGTERM and forks on is ended" soon is_state "$job" CANCELLED
check "nobody of it is left" no_probes
job=$(submit --numa 2 -- sh -c 'mkdir '$groups'/$(sed -n s,^0::/,,p /proc/self/cgroup)/own')
heng wait --quiet "$job"
check "a group that a job makes below its own goes with it" no_leftovers

# MARK: Preemption

heng queue set default --preemption requeue --grace 1s --quiet
heng queue set urgent --tier 2 --quiet
job=$(submit --ranks 4 --per numa -- probe stubborn 1 6 "$(folder stubborn)")
soon ranks_run stubborn
start=$(now)
urgent=$(submit --queue urgent --numa 2 -- probe hold 1 0 "$(folder urgent)")
soon has_pid urgent
figure "preemption of four ranks that ignore SIGTERM, grace 1 s, to the preemptor's memory: $(($(now) - start)) hundredths of a second"
check "the preemptor ends well" heng wait --quiet "$urgent"
check "who was pushed aside starts again" soon started_again "$job"
check "and ends well" heng wait --quiet "$job"

# MARK: Virtual devices

tried() { lacks "$(heng vdev list)" "not tried out yet" >/dev/null; }
check "a hard virtual device is made" heng vdev create half --share 0.5 --mem 64MiB --mem-bind strict --isolation hard --quiet
check "its limits are tried out" soon tried
device=$(heng vdev list --json | flat)
check "they hold" lacks "$device" '"isHeld":false'
for limit in compute memory locality; do
    check "$limit is hard" contains "$device" "\"name\":\"$limit\",\"strength\":\"hard\""
done
figure "self-test of a half: $(echo "$device" | sed -n 's/.*"measured":\([0-9.]*\),"name":"compute".*/\1/p') CPUs"
job=$(submit --vdev half -- probe hold 40 600 "$(folder half)")
soon has_pid half
check "it has half of a processor" contains "$(limit "$(pid half)" cpu.max)" "25000 50000"
check "and its memory" contains "$(limit "$(pid half)" memory.max)" 67108864
heng vdev resize half --share 0.25 --mem 80MiB --quiet
resized() { contains "$(limit "$(pid half)" "$1")" "$2" >/dev/null; }
check "resized while running: cpu.max" soon resized cpu.max "12500 50000"
check "memory.max" soon resized memory.max 83886080
check "the job runs on" is_state "$job" RUNNING
heng cancel --quiet "$job"
soon is_state "$job" CANCELLED
check "the device is deleted" heng vdev delete half --quiet
check_the_end
