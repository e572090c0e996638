/* SPDX-License-Identifier: GPL-3.0-or-later
 * The order of cleaning, the pattern that splits words, and ids cut or padded to the context. */
#include "text/tokenizer.h"

#include "text/bpe.h"
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>

enum { LONG_S = 0x17f, LONG_SOLIDUS = 0x338, YPOGEGRAMMENI = 0x345 };

struct cp_tokenizer {
    struct cp_bpe *bpe;
};

enum cp_status cp_tokenizer_open(const char *vocabulary, struct cp_tokenizer **out, struct cp_error *err) {
    struct cp_tokenizer *tokenizer = malloc(sizeof *tokenizer);
    CP_TRY(CP_CHECK_ALLOC(tokenizer, err, vocabulary, "a tokenizer"));
    const enum cp_status status = cp_bpe_open(vocabulary, &tokenizer->bpe, err);
    if (status == CP_OK)
        *out = tokenizer;
    else
        free(tokenizer);
    return status;
}

void cp_tokenizer_close(struct cp_tokenizer *tokenizer) {
    if (tokenizer)
        cp_bpe_close(tokenizer->bpe);
    free(tokenizer);
}

const char *cp_tokenizer_name(const struct cp_tokenizer *tokenizer, int32_t id) {
    return cp_bpe_name(tokenizer->bpe, id);
}

/* ---- what is refused ---- */

static enum cp_status decode(const char *text, size_t size, struct cp_arena *arena, struct cp_codes *codes,
                             struct cp_error *err) {
    size_t bad;
    if (size > CP_PROMPT_MAX)
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s...' has %zu bytes", text, size),
               cp_expected(err, "at most %d", CP_PROMPT_MAX);
    *codes = cp_codes_decode(text, size, &bad, arena);
    CP_TRY(CP_CHECK_ALLOC(codes->at, err, "", "a prompt"));
    if (bad < size)
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.*s...': byte %zu is 0x%02x, %s",
                       bad < 60 ? (int)bad : 60, text, bad + 1, (unsigned char)text[bad],
                       text[bad] ? "not well-formed UTF-8" : "a NUL"),
               cp_expected(err, "UTF-8 text, or token ids from a .npy file");
    return CP_OK;
}

static enum cp_status check_versions(struct cp_codes text, struct cp_error *err) {
    for (size_t i = 0; i < text.count; i++)
        if (cp_unicode_class(text.at[i]) == CP_VARIES)
            return cp_fail(err, CP_BAD_INPUT, "",
                           "prompt has U+%04X, which is a letter, number or mark since Unicode 15 only: its "
                           "tokens depend on the library's version",
                           (unsigned)text.at[i]),
                   cp_expected(err, "characters of Unicode 14, or token ids from a .npy file");
    return CP_OK;
}

/* ---- special strings ---- */

/* Letters in either case; regex, ignoring case, takes the long s for an s too. */
static bool equal_ignoring_case(uint32_t code, unsigned char letter) {
    const bool capital = code >= 'A' && code <= 'Z';
    return (capital ? code | 0x20 : code) == letter || (letter == 's' && code == LONG_S);
}

/* Codes of `what` (lower case) at the start of a text; 0: it does not begin so. *exact: in that case. */
static size_t begins_with(const uint32_t *text, const char *what, bool *exact) {
    size_t i = 0;
    for (*exact = true; what[i]; i++) {
        if (!equal_ignoring_case(text[i], (unsigned char)what[i]))
            return 0;
        *exact = *exact && text[i] == (unsigned char)what[i];
    }
    return i;
}

/* Codes of the special string that a text begins with, and its id; an id below 0: only its case is another.
 */
static size_t special(const struct cp_tokenizer_variant *v, const uint32_t *text, int32_t *id) {
    const char *const what[] = {v->start, v->end};
    for (int i = 0; i < 2; i++) {
        bool exact;
        const size_t length = begins_with(text, what[i], &exact);
        *id = exact ? CP_BPE_START + i : -1;
        if (length)
            return length;
    }
    return 0;
}

/* Whether a text that Hugging Face's tokenizers get has a special string that not all of their releases find,
 * or find before NFC joins its > to a solidus behind it. */
static enum cp_status check_special(const struct cp_tokenizer_variant *v, struct cp_codes text,
                                    struct cp_error *err) {
    for (size_t i = 0; i < text.count; i++) {
        int32_t id = 0;
        const size_t length = special(v, text.at + i, &id);
        if (length && (id < 0 || text.at[i + length] == LONG_SOLIDUS))
            return cp_fail(err, CP_BAD_INPUT, "",
                           "prompt has a special string that tokenizers of some releases take for text"),
                   cp_expected(err, "%s, or token ids from a .npy file", v->end);
    }
    return CP_OK;
}

/* ---- cleaning ---- */

static enum cp_status clean(const struct cp_tokenizer_variant *v, struct cp_codes *text,
                            struct cp_arena *arena, struct cp_error *err) {
    if (v->ftfy)
        CP_TRY(cp_clean_ftfy(text, arena, err));
    if (v->html)
        CP_TRY(cp_clean_html(text, arena, err));
    if (v->special_first)
        CP_TRY(check_special(v, *text, err));
    if (v->nfc)
        *text = cp_codes_nfc(*text, arena);
    CP_TRY(CP_CHECK_ALLOC(text->at, err, "", "a prompt"));
    CP_TRY(check_versions(*text, err));
    CP_TRY(cp_clean_spaces(text, arena, err));
    *text = cp_codes_lower(*text, v->lower == CP_LOWER_TEXT, arena);
    return CP_CHECK_ALLOC(text->at, err, "", "a prompt");
}

/* ---- words ---- */

/* Codes of 's 't 're 've 'm 'll 'd at the start of a text, or 0. */
static size_t contraction(const struct cp_tokenizer_variant *v, const uint32_t *text) {
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        bool exact;
        const size_t length = begins_with(text, endings[i], &exact);
        if (length && (exact || v->ignore_case))
            return length;
    }
    return 0;
}

/* The class that the pattern sees. The combining iota is a mark, but in capitals a letter: for regex,
 * ignoring case, it is in no class of the pattern, and lost as a space is. */
static enum cp_class class_of(const struct cp_tokenizer_variant *v, uint32_t code) {
    return v->ignore_case && code == YPOGEGRAMMENI ? CP_SPACE : cp_unicode_class(code);
}

/* Codes of one class. */
static size_t run(const struct cp_tokenizer_variant *v, const uint32_t *text, const uint32_t *end) {
    const enum cp_class class = class_of(v, *text);
    size_t length = 1;
    while (text + length < end && class_of(v, text[length]) == class)
        length++;
    return length;
}

/* Codes of the next word of a text, which does not begin with a space but where words take it (GPT-2). */
static size_t word_length(const struct cp_tokenizer_variant *v, const uint32_t *text, const uint32_t *end) {
    const size_t length = contraction(v, text);
    if (length)
        return length;
    if (v->split == CP_SPLIT_GPT2)
        return *text == ' ' ? 1 + run(v, text + 1, end) : run(v, text, end);
    return cp_unicode_class(*text) == CP_NUMBER ? 1 : run(v, text, end);
}

/* Codes up to the next special string that is cut out of the text, or to its end. */
static const uint32_t *section_end(const struct cp_tokenizer_variant *v, struct cp_codes text,
                                   const uint32_t *at) {
    int32_t id;
    while (v->special_first && at < text.at + text.count && !special(v, at, &id))
        at++;
    return v->special_first ? at : text.at + text.count;
}

static void add_word(const struct cp_tokenizer *tokenizer, const struct cp_tokenizer_variant *v,
                     const uint32_t *word, size_t length, unsigned char *bytes, struct cp_tokens *tokens) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += cp_codes_encode(word[i], bytes + count);
    tokens->count += cp_bpe_word(tokenizer->bpe, bytes, count, v->word_end, tokens->ids + tokens->count);
}

/* Appends the tokens of a cleaned text; bytes has room for all of it. */
static void add_words(const struct cp_tokenizer *tokenizer, const struct cp_tokenizer_variant *v,
                      struct cp_codes text, unsigned char *bytes, struct cp_tokens *tokens) {
    const uint32_t *at = text.at, *end = text.at + text.count, *section = section_end(v, text, at);
    while (at < end) {
        int32_t id = -1;
        size_t length = special(v, at, &id);
        if (length && id >= 0) {
            tokens->ids[tokens->count++] = id;
            section = section_end(v, text, at + length);
        } else if (class_of(v, *at) == CP_SPACE && v->split == CP_SPLIT_CLIP) {
            length = 1;
        } else {
            length = length ? length : word_length(v, at, section);
            add_word(tokenizer, v, at, length, bytes, tokens);
        }
        at += length;
    }
}

enum cp_status cp_tokenizer_tokens(const struct cp_tokenizer *tokenizer,
                                   const struct cp_tokenizer_variant *variant, const char *text, size_t size,
                                   struct cp_arena *arena, struct cp_tokens *tokens, struct cp_error *err) {
    struct cp_codes codes = {NULL, 0};
    CP_TRY(decode(text, size, arena, &codes, err));
    CP_TRY(clean(variant, &codes, arena, err));
    unsigned char *bytes = cp_arena_alloc(arena, codes.count + 1, CP_UTF8_MAX);
    *tokens = (struct cp_tokens){cp_arena_alloc(arena, CP_UTF8_MAX * codes.count + 2, sizeof(int32_t)), 0};
    CP_TRY(CP_CHECK_ALLOC(bytes && tokens->ids, err, "", "a prompt"));
    tokens->ids[tokens->count++] = CP_BPE_START;
    add_words(tokenizer, variant, codes, bytes, tokens);
    tokens->ids[tokens->count++] = CP_BPE_END;
    return CP_OK;
}

enum cp_status cp_tokenizer_fit(const struct cp_tokenizer_variant *variant, const char *text,
                                struct cp_tokens tokens, int context_length, bool truncate, int32_t *ids,
                                struct cp_error *err) {
    const size_t length = (size_t)context_length;
    const size_t kept = tokens.count < length ? tokens.count : length;
    if (tokens.count > length && !truncate)
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s' has %zu tokens with start and end", text,
                       tokens.count),
               cp_expected(
                   err, "at most %d, the context length, unless it is cut: inputs.truncate: on, --truncate",
                   context_length);
    memcpy(ids, tokens.ids, kept * sizeof *ids);
    for (size_t i = kept; i < length; i++)
        ids[i] = variant->pad;
    if (variant->keep_end)
        ids[kept - 1] = CP_BPE_END;
    return CP_OK;
}

enum cp_status cp_tokenizer_encode(const struct cp_tokenizer *tokenizer,
                                   const struct cp_tokenizer_variant *variant, const char *text,
                                   int context_length, bool truncate, int32_t *ids, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_tokens tokens;
    enum cp_status status = cp_tokenizer_tokens(tokenizer, variant, text, strlen(text), &arena, &tokens, err);
    if (status == CP_OK)
        status = cp_tokenizer_fit(variant, text, tokens, context_length, truncate, ids, err);
    cp_arena_free(&arena);
    return status;
}
