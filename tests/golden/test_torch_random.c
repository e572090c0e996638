/* SPDX-License-Identifier: GPL-3.0-or-later
 * PyTorch's random numbers and open_clip's initial weights, to the bit (reference/golden/torch_random). */
#include "support/test.h"

#include "base/digest.h"
#include "model/model.h"
#include "torch/random.h"
#include "torch/topk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100003, NAMES_MOST = 1024 };

static float values[MOST];
static int64_t order[MOST];
static struct cp_torch_ranked queue[MOST];

static void finish(struct cp_digest *digest, char hex[17]) {
    char all[CP_DIGEST_HEX];
    cp_digest_finish_hex(digest, all);
    (void)snprintf(hex, 17, "%.16s", all);
}

static struct cp_digest *begin(void) {
    struct cp_digest *digest = NULL;
    struct cp_error err = {0};
    assert_int_equal(cp_digest_start(&digest, &err), CP_OK);
    return digest;
}

static void add_normal(struct cp_torch_random *r, struct cp_digest *digest, size_t n, double mean,
                       double std) {
    cp_torch_normal(r, values, n, mean, std);
    cp_digest_add(digest, values, n * sizeof *values);
}

/* The n numbers again, read in pieces of growing length, then a piece from the middle. */
static void read_in_pieces(uint64_t seed, enum cp_torch_capability capability, size_t n) {
    struct cp_torch_normals whole;
    static float piece[MOST];
    cp_torch_normals_start(&whole, seed, capability, n);
    for (size_t first = 0, count; first < n; first += count) {
        count = 1 + first / 3 < n - first ? 1 + first / 3 : n - first;
        cp_torch_normals_read(&whole, first, count, piece + first);
    }
    assert_memory_equal(piece, values, n * sizeof *values);
    cp_torch_normals_read(&whole, n / 3, n / 2, piece);
    assert_memory_equal(piece, values + n / 3, n / 2 * sizeof *values);
}

/* The values are drawn anew: as they are, of eight values, or with NaN for one of them. */
static void add_topk(struct cp_torch_random *r, struct cp_digest *digest, const char *what, size_t k,
                     size_t n) {
    cp_torch_normal(r, values, n, 0, 1);
    if (strcmp(what, "topk") != 0)
        cp_torch_uniform(r, values, n, 0, 1);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(what, "topk") != 0)
            values[i] = floorf(values[i] * 8);
        if (strcmp(what, "nans") == 0 && values[i] == 3)
            values[i] = NAN;
        queue[i] = (struct cp_torch_ranked){values[i], (uint32_t)i};
    }
    cp_torch_topk(queue, n, k);
    for (size_t i = 0; i < k; i++)
        order[i] = queue[i].index;
    cp_digest_add(digest, order, k * sizeof *order);
}

static void draw(struct cp_torch_random *r, const char *what, double a, double b, size_t n, char hex[17]) {
    struct cp_digest *digest = begin();
    if (strcmp(what, "normal") == 0) {
        add_normal(r, digest, n, a, b);
    } else if (strcmp(what, "uniform") == 0) {
        cp_torch_uniform(r, values, n, a, b);
        cp_digest_add(digest, values, n * sizeof *values);
    } else if (strcmp(what, "permutation") == 0) {
        cp_torch_permutation(r, order, n);
        cp_digest_add(digest, order, n * sizeof *order);
    } else if (strcmp(what, "truncated") == 0) {
        cp_torch_trunc_normal(r, values, n, a, b, -2, 2);
        cp_digest_add(digest, values, n * sizeof *values);
    } else if (strcmp(what, "kaiming") == 0) {
        cp_torch_kaiming_uniform(r, values, n, (size_t)a);
        cp_digest_add(digest, values, n * sizeof *values);
    } else if (strcmp(what, "mixed") != 0) {
        add_topk(r, digest, what, (size_t)a, n);
    } else {
        add_normal(r, digest, 3, 0, 1);
        cp_torch_uniform(r, values, 5, 0, 1);
        cp_digest_add(digest, values, 5 * sizeof *values);
        add_normal(r, digest, n, 0, 1);
        add_normal(r, digest, 2, 0, 1);
    }
    finish(digest, hex);
}

/* ---- models ---- */

struct named {
    char name[192];
    const float *values;
    size_t n;
};
static struct named names[NAMES_MOST];
static size_t name_count;

static void add(const char *prefix, const char *name, const float *at, size_t n) {
    assert_true(name_count < NAMES_MOST);
    (void)snprintf(names[name_count].name, sizeof names[0].name, "%s%s", prefix, name);
    names[name_count].values = at;
    names[name_count++].n = n;
}

static void add_norm(const char *prefix, const char *name, struct cp_norm_weights norm, size_t width) {
    char key[96];
    (void)snprintf(key, sizeof key, "%s.weight", name);
    add(prefix, key, norm.weight, width);
    (void)snprintf(key, sizeof key, "%s.bias", name);
    add(prefix, key, norm.bias, width);
}

static void add_blocks(const char *tower, const struct cp_block_weights *blocks, int layers, size_t width,
                       size_t mlp) {
    for (int layer = 0; layer < layers; layer++) {
        const struct cp_block_weights *b = &blocks[layer];
        char prefix[64];
        (void)snprintf(prefix, sizeof prefix, "%stransformer.resblocks.%d.", tower, layer);
        add_norm(prefix, "ln_1", b->ln_1, width);
        add_norm(prefix, "ln_2", b->ln_2, width);
        add(prefix, "attn.in_proj_weight", b->in_proj.weight, 3 * width * width);
        add(prefix, "attn.in_proj_bias", b->in_proj.bias, 3 * width);
        add(prefix, "attn.out_proj.weight", b->out_proj.weight, width * width);
        add(prefix, "attn.out_proj.bias", b->out_proj.bias, width);
        add(prefix, "mlp.c_fc.weight", b->c_fc.weight, mlp * width);
        add(prefix, "mlp.c_fc.bias", b->c_fc.bias, mlp);
        add(prefix, "mlp.c_proj.weight", b->c_proj.weight, width * mlp);
        add(prefix, "mlp.c_proj.bias", b->c_proj.bias, width);
        if (b->ls_1) {
            add(prefix, "ls_1.gamma", b->ls_1, width);
            add(prefix, "ls_2.gamma", b->ls_2, width);
        }
    }
}

/* An nn.Linear is (out, in). */
static void add_text_projection(const struct cp_tower_weights *text, size_t width, size_t embed) {
    if (!text->proj.bias) {
        add("", "text_projection", text->proj.weight, width * embed);
        return;
    }
    assert_true(width * embed <= MOST);
    for (size_t e = 0; e < embed; e++)
        for (size_t i = 0; i < width; i++)
            values[e * width + i] = text->proj.weight[i * embed + e];
    add("", "text_projection.weight", values, width * embed);
    add("", "text_projection.bias", text->proj.bias, embed);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void digest_model(const char *path, uint64_t seed, enum cp_torch_capability capability, char hex[17]) {
    struct cp_clip_config config;
    struct cp_model model;
    struct cp_error err = {0};
    struct cp_digest *digest = begin();
    assert_int_equal(cp_clip_config_load(path, &config, &err), CP_OK);
    assert_int_equal(cp_model_open_clip(&config, seed, capability, &model, &err), CP_OK);
    const size_t wide = (size_t)config.vision.width, narrow = (size_t)config.text.width,
                 embed = (size_t)config.embed_dim, patch = (size_t)config.vision.patch_size;
    const size_t grid = (size_t)config.vision.image_size / patch;
    name_count = 0;
    add("", "visual.conv1.weight", model.tower[CP_VISUAL].conv1, wide * 3 * patch * patch);
    add("", "visual.class_embedding", model.tower[CP_VISUAL].class_embedding, wide);
    add("", "visual.positional_embedding", model.tower[CP_VISUAL].positional_embedding,
        (grid * grid + 1) * wide);
    add_norm("", "visual.ln_pre", model.tower[CP_VISUAL].ln_pre, wide);
    add_norm("", "visual.ln_post", model.tower[CP_VISUAL].ln_post, wide);
    add("", "visual.proj", model.tower[CP_VISUAL].proj.weight, wide * embed);
    add_blocks("visual.", model.tower[CP_VISUAL].blocks, config.vision.layers, wide,
               (size_t)config.vision.mlp_width);
    add("", "token_embedding.weight", model.tower[CP_TEXT].token_embedding,
        (size_t)config.text.vocab_size * narrow);
    add("", "positional_embedding", model.tower[CP_TEXT].positional_embedding,
        (size_t)config.text.context_length * narrow);
    add_norm("", "ln_final", model.tower[CP_TEXT].ln_post, narrow);
    add_text_projection(&model.tower[CP_TEXT], narrow, embed);
    add_blocks("", model.tower[CP_TEXT].blocks, config.text.layers, narrow, (size_t)config.text.mlp_width);
    qsort(names, name_count, sizeof names[0], by_name);
    for (size_t i = 0; i < name_count; i++)
        cp_digest_add(digest, names[i].values, names[i].n * sizeof(float));
    finish(digest, hex);
    cp_model_free(&model);
}

/* ---- every line of what PyTorch drew ---- */

static void check_line(char *line, size_t counts[2]) {
    char capability[16], what[32], found[17], expected[17], path[128];
    unsigned long n = 0, seed = 0;
    double a = 0, b = 0;
    struct cp_torch_random random;
    const bool model =
        sscanf(line, "%15s open_clip %127s %lu %lu %16s", capability, path, &n, &seed, expected) == 5;
    if (!model &&
        sscanf(line, "%15s %31s %lf %lf %lu %lu %16s", capability, what, &a, &b, &n, &seed, expected) != 7)
        assert_int_equal(sscanf(line, "%15s %31s %lu %lu %16s", capability, what, &n, &seed, expected), 5);
    const enum cp_torch_capability way = strcmp(capability, "avx2") == 0 ? CP_TORCH_AVX2 : CP_TORCH_DEFAULT;
    if (model) {
        digest_model(path, seed, way, found);
    } else {
        assert_true(n <= MOST);
        cp_torch_seed(&random, seed, way);
        draw(&random, what, a, b, n, found);
        if (strcmp(what, "normal") == 0 && a == 0)
            read_in_pieces(seed, way, n);
    }
    counts[model]++;
    if (strcmp(found, expected) != 0)
        fail_msg("gives %s: %s", found, line);
}

static void all_of_pytorch(void **state) {
    char line[256];
    size_t counts[2] = {0, 0};
    FILE *file = fopen("reference/golden/torch_random/expected.txt", "r");
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        check_line(line, counts);
    assert_int_equal(fclose(file), 0);
    print_message("%zu draws and %zu models, to the bit\n", counts[0], counts[1]);
    assert_int_equal(counts[0], 2580);
    assert_int_equal(counts[1], 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
