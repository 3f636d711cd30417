// Attention. Scores of all pairs of a query and a key, softmax over the keys, then the weighted values.
//
// A tensor is [batch, heads, length, size] by its strides; a key's head serves `share` heads of queries.

typedef struct {
    uint batches, heads, share, queries, keys, size, value_size, causal;
    ulong q[3], k[3], v[3], y[3]; // strides of batch, head and position
    ulong mask[4];                // strides of batch, head, query and key
    uint mask_kind;               // 0: none, 1: truth, 2: added
    float scale, softcap;
    int past;                     // keys before the first query
} Attention;

#ifdef HENG_KERNEL_attention_scores
kernel void attention_scores(
    global void *scores, ulong so, global const void *q, ulong qo, global const void *k, ulong ko,
    global const void *mask, ulong mo, uint count, Attention s) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint key = i % s.keys, rest = i / s.keys, query = rest % s.queries;
    rest /= s.queries;
    uint head = rest % s.heads, batch = rest / s.heads;
    size_t from_q = batch * s.q[0] + head * s.q[1] + query * s.q[2];
    size_t from_k = batch * s.k[0] + head / s.share * s.k[1] + key * s.k[2];
    VALUE sum = 0;
    for (uint d = 0; d < s.size; d++)
        sum = fma((VALUE)LOAD(IN(TYPE, q, qo), from_q + d), (VALUE)LOAD(IN(TYPE, k, ko), from_k + d), sum);
    sum *= (VALUE)s.scale;
    if (s.softcap > 0) sum = tanh(sum / s.softcap) * s.softcap;
    size_t at = batch * s.mask[0] + head * s.mask[1] + query * s.mask[2] + key * s.mask[3];
    if (s.mask_kind == 1 && !IN(uchar, mask, mo)[at]) sum = -INFINITY;
    if (s.mask_kind == 2) sum += LOAD(IN(TYPE, mask, mo), at);
    if (s.causal && (int)key > (int)query + s.past) sum = -INFINITY;
    OUT(VALUE, scores, so)[i] = sum;
}
#endif

#ifdef HENG_KERNEL_attention_softmax
kernel void attention_softmax(global void *scores, ulong so, uint rows, uint keys) {
    uint row = get_global_id(0);
    if (row >= rows) return;
    global VALUE *at = OUT(VALUE, scores, so) + (size_t)row * keys;
    VALUE most = -INFINITY;
    for (uint k = 0; k < keys; k++) most = fmax(most, at[k]);
    // A row that is masked whole has no weights that mean anything; it gets none.
    if (most == -INFINITY) most = 0;
    SUM sum = 0;
    for (uint k = 0; k < keys; k++) {
        at[k] = exp(at[k] - most);
        sum += at[k];
    }
    VALUE scale = sum > 0 ? (VALUE)(1 / sum) : (VALUE)0;
    for (uint k = 0; k < keys; k++) at[k] *= scale;
}
#endif

#ifdef HENG_KERNEL_attention_values
kernel void attention_values(
    global void *y, ulong yo, global const void *scores, ulong so, global const void *v, ulong vo, uint count,
    Attention s) {
    uint i = get_global_id(0);
    if (i >= count) return;
    uint d = i % s.value_size, rest = i / s.value_size, query = rest % s.queries;
    rest /= s.queries;
    uint head = rest % s.heads, batch = rest / s.heads;
    global const VALUE *weight =
        IN(VALUE, scores, so) + (((size_t)batch * s.heads + head) * s.queries + query) * s.keys;
    size_t from = batch * s.v[0] + head / s.share * s.v[1] + d;
    VALUE sum = 0;
    for (uint k = 0; k < s.keys; k++)
        sum = fma(weight[k], (VALUE)LOAD(IN(TYPE, v, vo), from + k * s.v[2]), sum);
    STORE(OUT(TYPE, y, yo), batch * s.y[0] + head * s.y[1] + query * s.y[2] + d, sum);
}
#endif
