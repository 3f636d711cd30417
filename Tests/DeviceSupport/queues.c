/* What heng_device_queue.h promises. */
#include "check.h"
#include "heng_device_queue.h"

static heng_queue_group group;

/* Holds work until it is opened, and counts what has passed. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    uint32_t passed;
};

static void make_gate(struct gate *gate) {
    memset(gate, 0, sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void open_gate(struct gate *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void pass(const void *arguments) {
    struct gate *gate = *(struct gate *const *)arguments;
    pthread_mutex_lock(&gate->lock);
    while (!gate->is_open) pthread_cond_wait(&gate->changed, &gate->lock);
    gate->passed++;
    pthread_mutex_unlock(&gate->lock);
}

static int32_t fail_with(const void *arguments) { return *(const int32_t *)arguments; }

static int32_t submit_pass(heng_queue *queue, struct gate *gate) {
    return heng_queue_submit(queue, pass, NULL, &gate, sizeof gate, 0, "pass", NULL);
}

static heng_queue *make_queue(void) {
    heng_queue *queue = (heng_queue *)malloc(sizeof *queue);
    CHECK(queue && heng_queue_start(queue, &group, "create", NULL) == HENG_OK);
    return queue;
}

static void end_queue(heng_queue *queue, int32_t expected) {
    CHECK(heng_queue_end(queue, "destroy", NULL) == expected);
    free(queue);
}

static heng_queue_event *make_event(void) {
    heng_queue_event *event = (heng_queue_event *)malloc(sizeof *event);
    CHECK(event);
    heng_queue_event_start(event, &group);
    return event;
}

/* Numbers that arrive in order, and how many did. */
static uint32_t arrived;
static void arrive(const void *arguments) {
    if (*(const uint32_t *)arguments == arrived) arrived++;
}

static void test_order(void) {
    heng_queue *queue = make_queue();
    arrived = 0;
    for (uint32_t i = 0; i < 10 * HENG_QUEUE_LENGTH; i++)
        CHECK(heng_queue_submit(queue, arrive, NULL, &i, sizeof i, 0, "arrive", NULL) == HENG_OK);
    CHECK(heng_queue_wait(queue, -1, "wait", NULL) == HENG_OK);
    CHECK(arrived == 10 * HENG_QUEUE_LENGTH);
    unsigned char bytes[HENG_ARGUMENT_LIMIT + 1] = {0};
    const uint32_t limit = HENG_ARGUMENT_LIMIT;
    CHECK(heng_queue_submit(queue, arrive, NULL, bytes, limit, 0, "", NULL) == HENG_OK);
    CHECK(
        heng_queue_submit(queue, arrive, NULL, bytes, limit + 1, 0, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(heng_queue_submit(queue, arrive, NULL, NULL, 1, 0, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(heng_queue_submit(queue, NULL, NULL, NULL, 0, 0, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(heng_queue_submit(queue, arrive, fail_with, bytes, 4, 0, "", NULL) == HENG_ERROR_INVALID_ARGUMENT);
    end_queue(queue, HENG_OK);
}

/* What a queue's own work gets when it waits for the queue, ends it, or finds it full. */
struct own_calls {
    heng_queue *queue;
    int32_t wait, group_wait, end, full;
};

static void call_own_queue(const void *arguments) {
    struct own_calls *calls = *(struct own_calls *const *)arguments;
    const uint32_t number = UINT32_MAX;
    calls->wait = heng_queue_wait(calls->queue, -1, "wait", NULL);
    calls->group_wait = heng_queue_group_wait(&group, "wait", NULL);
    calls->end = heng_queue_end(calls->queue, "end", NULL);
    do calls->full = heng_queue_submit(calls->queue, arrive, NULL, &number, sizeof number, 0, "", NULL);
    while (calls->full == HENG_OK);
}

static void test_own_calls(void) {
    struct own_calls calls, *argument = &calls;
    memset(&calls, 0, sizeof calls);
    calls.queue = make_queue();
    CHECK(
        heng_queue_submit(calls.queue, call_own_queue, NULL, &argument, sizeof argument, 0, "", NULL) ==
        HENG_OK);
    CHECK(heng_queue_wait(calls.queue, -1, "wait", NULL) == HENG_OK);
    CHECK(calls.wait == HENG_ERROR_MISUSE && calls.group_wait == HENG_ERROR_MISUSE);
    CHECK(calls.end == HENG_ERROR_MISUSE && calls.full == HENG_ERROR_MISUSE);
    end_queue(calls.queue, HENG_OK);
}

static void test_failures(void) {
    heng_queue *bad = make_queue(), *waiting = make_queue(), *good = make_queue();
    heng_queue_event *event = make_event();
    struct gate gate;
    const int32_t number = -12, fine = 0;
    heng_error *error = NULL;
    uint8_t complete = 9;
    make_gate(&gate);
    CHECK(heng_queue_submit_event(waiting, event, false, 0, "wait", &error) == HENG_ERROR_EVENT_NOT_RECORDED);
    CHECK(code_of(&error) == HENG_ERROR_EVENT_NOT_RECORDED);
    CHECK(
        heng_queue_event_query(event, &complete, "", NULL) == HENG_ERROR_EVENT_NOT_RECORDED && complete == 9);
    CHECK(heng_queue_event_wait(event, 0, "", NULL) == HENG_ERROR_EVENT_NOT_RECORDED);

    CHECK(submit_pass(bad, &gate) == HENG_OK);
    CHECK(heng_queue_submit(bad, NULL, fail_with, &fine, sizeof fine, 4, "launch", NULL) == HENG_OK);
    CHECK(heng_queue_submit(bad, NULL, fail_with, &number, sizeof number, 5, "launch", NULL) == HENG_OK);
    CHECK(submit_pass(bad, &gate) == HENG_OK);
    CHECK(heng_queue_submit_event(bad, event, true, 6, "record", NULL) == HENG_OK);
    CHECK(heng_queue_submit_event(waiting, event, false, 7, "wait", NULL) == HENG_OK);
    CHECK(submit_pass(waiting, &gate) == HENG_OK);
    heng_queue_event_end(event); /* the queues still name it */
    event = make_event();
    CHECK(heng_queue_submit_event(waiting, event, true, 8, "record", NULL) == HENG_OK);
    CHECK(heng_queue_event_query(event, &complete, "", NULL) == HENG_OK && complete == 0);
    CHECK(heng_queue_event_wait(event, 0, "", NULL) == HENG_ERROR_TIMEOUT);
    CHECK(heng_queue_wait(bad, 1, "", NULL) == HENG_ERROR_TIMEOUT);
    open_gate(&gate);

    CHECK(heng_queue_event_wait(event, -1, "", NULL) == HENG_ERROR_EXECUTION);
    for (int i = 0; i < 4; i++) {
        CHECK(heng_queue_wait(i % 2 == 0 ? bad : waiting, -1, "wait", &error) == HENG_ERROR_EXECUTION);
        CHECK(error->correlation == 5 && error->native_code == -12 && error->scope == HENG_SCOPE_STREAM);
        CHECK(strcmp(error->operation, "launch") == 0);
        heng_support_error_destroy(error);
    }
    CHECK(submit_pass(bad, &gate) == HENG_ERROR_EXECUTION && gate.passed == 1);
    CHECK(submit_pass(good, &gate) == HENG_OK && heng_queue_wait(good, -1, "", NULL) == HENG_OK);
    CHECK(heng_queue_group_wait(&group, "", NULL) == HENG_ERROR_EXECUTION);
    heng_queue_event_end(event);
    end_queue(bad, HENG_ERROR_EXECUTION);
    end_queue(waiting, HENG_ERROR_EXECUTION);
    CHECK(heng_queue_group_wait(&group, "", NULL) == HENG_OK && gate.passed == 2);
    end_queue(good, HENG_OK);
}

static void test_events(void) {
    heng_queue *first = make_queue(), *second = make_queue();
    heng_queue_event *start = make_event(), *end = make_event();
    struct gate gate;
    double milliseconds = 0;
    uint8_t complete = 0;
    make_gate(&gate);
    CHECK(heng_queue_submit_event(first, start, true, 0, "", NULL) == HENG_OK);
    CHECK(submit_pass(first, &gate) == HENG_OK);
    CHECK(heng_queue_submit_event(first, end, true, 0, "", NULL) == HENG_OK);
    CHECK(heng_queue_submit_event(second, end, true, 0, "", NULL) == HENG_OK); /* behind the other's record */
    CHECK(heng_queue_event_wait(start, -1, "", NULL) == HENG_OK);
    CHECK(heng_queue_event_elapsed(start, end, &milliseconds, "", NULL) == HENG_ERROR_EVENT_TIME);
    CHECK(heng_queue_wait(second, 0, "", NULL) == HENG_ERROR_TIMEOUT);
    open_gate(&gate);
    CHECK(heng_queue_group_wait(&group, "", NULL) == HENG_OK);
    CHECK(heng_queue_event_query(end, &complete, "", NULL) == HENG_OK && complete == 1);
    CHECK(heng_queue_event_elapsed(start, end, &milliseconds, "", NULL) == HENG_OK && milliseconds >= 0);
    CHECK(heng_queue_event_elapsed(end, start, &milliseconds, "", NULL) == HENG_OK && milliseconds <= 0);
    heng_queue_event_end(start);
    heng_queue_event_end(end);
    end_queue(first, HENG_OK);
    end_queue(second, HENG_OK);
}

/* Several threads use one queue, an event and the group at once. */
static heng_queue *shared_queue;
static heng_queue_event *shared_event;
static struct gate shared_gate;

static void *use_queue(void *unused) {
    for (int i = 0; i < 200; i++) {
        CHECK(submit_pass(shared_queue, &shared_gate) == HENG_OK);
        CHECK(heng_queue_submit_event(shared_queue, shared_event, true, 0, "", NULL) == HENG_OK);
        CHECK(heng_queue_submit_event(shared_queue, shared_event, false, 0, "", NULL) == HENG_OK);
        if (i % 20 == 0) CHECK(heng_queue_group_wait(&group, "", NULL) == HENG_OK);
    }
    return unused;
}

static void test_threads(void) {
    pthread_t threads[4];
    shared_queue = make_queue();
    shared_event = make_event();
    make_gate(&shared_gate);
    open_gate(&shared_gate);
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, use_queue, NULL) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    CHECK(heng_queue_event_wait(shared_event, -1, "", NULL) == HENG_OK);
    end_queue(shared_queue, HENG_OK);
    heng_queue_event_end(shared_event);
    CHECK(shared_gate.passed == 800);
}

void test_queues(void) {
    CHECK(heng_queue_group_start(&group, "initialize", NULL) == HENG_OK);
    test_order();
    test_own_calls();
    test_failures();
    test_events();
    test_threads();
    heng_queue_group_end(&group);
}
