/* What people are told, in their language. */
#include "notify/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
  const char *title;
  const char *body;
} words[2][2] = {
    [NOTIFY_ISOLATED] =
        {[NOTIFY_EN] = {"This device is isolated from the network",
                        "Your security team has cut its network connections because of a possible "
                        "threat. Your files are untouched. Please leave the device switched on."},
         [NOTIFY_JA] = {"この端末はネットワークから隔離されました",
                        "脅威のおそれがあるため、セキュリティ担当者がネットワーク接続を遮断しました"
                        "。ファイルに変更はありません。電源を切らずにお待ちください。"}},
    [NOTIFY_RELEASED] = {[NOTIFY_EN] = {"This device is no longer isolated",
                                        "Your security team has given it its network back. You can "
                                        "go on working."},
                         [NOTIFY_JA] = {"この端末の隔離は解除されました",
                                        "セキュリティ担当者がネットワーク接続を元に戻しました。通常"
                                        "どおりご利用いただけます。"}},
};

static const char *const contact_words[] = {
    [NOTIFY_EN] = "Questions: ", [NOTIFY_JA] = "お問い合わせ: "};

static bool is_utf8(const char *locale)
{
  const char *dot = strchr(locale, '.');
  return dot != NULL &&
         (strncasecmp(dot + 1, "utf-8", 5) == 0 || strncasecmp(dot + 1, "utf8", 4) == 0);
}

notify_language notify_language_of(const char *locale)
{
  bool japanese = strncmp(locale, "ja", 2) == 0 && (locale[2] == '_' || locale[2] == '.');
  return japanese && is_utf8(locale) ? NOTIFY_JA : NOTIFY_EN;
}

notify_language notify_language_of_tag(const char *tag)
{
  bool japanese = strncasecmp(tag, "ja", 2) == 0 && (tag[2] == '\0' || tag[2] == '-');
  return japanese ? NOTIFY_JA : NOTIFY_EN;
}

const char *notify_title(notify_event event, notify_language language)
{
  return words[event][language].title;
}

/* No character is cut in two. */
static void end_at_character(char *text)
{
  size_t len = strlen(text);
  size_t start = len;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
    start--;
  if (start == 0)
    return;
  unsigned char lead = (unsigned char)text[start - 1];
  size_t needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (len - (start - 1) < needs)
    text[start - 1] = '\0';
}

void notify_body(notify_event event, notify_language language, const char *contact, char *out,
                 size_t size)
{
  bool asks = contact[0] != '\0';
  int len = snprintf(out, size, "%s%s%s%s", words[event][language].body, asks ? "\n" : "",
                     asks ? contact_words[language] : "", contact);
  if (len >= (int)size)
    end_at_character(out);
}
