/* What starts by itself: units, scripts, desktops, shells, libraries, modules, logins. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "listing.h"
#include "read.h"
#include "units.h"

/* ---- systemd ---- */

static void put_unit(void *data, const col_unit_file *f)
{
  col_task *t = data;
  col_unit u;
  char sha256[COL_SHA256_HEX + 1];
  (void)col_unit_read(t, f, &u, sha256);
  col_text(t, f->name);
  col_text(t, f->kind);
  col_text(t, f->target);
  col_text(t, u.description);
  col_text(t, u.run);
  col_text(t, u.timer);
  col_text(t, u.listen);
  col_text(t, u.user);
  col_text(t, u.wanted_by);
  col_file_fields(t, f->path, f->user, f->st, sha256);
  (void)col_row(t);
}

void col_systemd_units(col_task *t)
{
  col_head(t, "unit,kind,target,description,command,schedule,listens,runs_as,wanted_by,path,"
              "user," COL_STAT_COLUMNS ",sha256");
  col_each_unit(t, true, put_unit, t);
}

/* ---- scripts and desktops ---- */

typedef struct scripts {
  col_task *task;
  const char *path;
  const char *user;
} scripts;

static void put_script(col_task *t, const char *path, const char *user)
{
  int fd = -1;
  struct stat st;
  char full[COL_PATH];
  char target[COL_PATH] = "";
  char sha256[COL_SHA256_HEX + 1] = "";
  col_path(t, path, full);
  if (lstat(full, &st) != 0 || S_ISDIR(st.st_mode))
    return;
  if (S_ISLNK(st.st_mode)) {
    ssize_t len = readlink(full, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
  } else if (col_open(t, path, &fd, &st) == 0) {
    col_sha256_fd(t, fd, 16 * COL_MIB, sha256);
    (void)close(fd);
  }
  col_file_fields(t, path, user, &st, sha256);
  col_text(t, target);
  (void)col_row(t);
}

static bool put_script_of(void *data, int dir, const char *name)
{
  const scripts *s = data;
  char path[COL_PATH];
  (void)dir;
  (void)snprintf(path, sizeof(path), "%s/%s", s->path, name);
  put_script(s->task, path, s->user);
  return !col_stop(s->task);
}

void col_init_scripts(col_task *t)
{
  static const char *const folders[] = {"/etc/init.d",
                                        "/etc/rc0.d",
                                        "/etc/rc1.d",
                                        "/etc/rc2.d",
                                        "/etc/rc3.d",
                                        "/etc/rc4.d",
                                        "/etc/rc5.d",
                                        "/etc/rc6.d",
                                        "/etc/rcS.d",
                                        "/etc/rc.d",
                                        "/etc/local.d",
                                        "/etc/update-motd.d",
                                        "/etc/network/if-up.d",
                                        "/etc/network/if-pre-up.d",
                                        "/etc/NetworkManager/dispatcher.d",
                                        "/etc/dhcp/dhclient-exit-hooks.d",
                                        "/etc/kernel/postinst.d",
                                        "/etc/initramfs-tools/hooks",
                                        "/usr/lib/systemd/system-generators",
                                        "/etc/systemd/system-generators",
                                        "/usr/lib/systemd/system-shutdown",
                                        "/usr/lib/systemd/system-sleep"};
  col_head(t, "path,user," COL_STAT_COLUMNS ",sha256,link_target");
  put_script(t, "/etc/rc.local", "");
  put_script(t, "/etc/rc.d/rc.local", "");
  put_script(t, "/sbin/init", "");
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    scripts s = {.task = t, .path = folders[i], .user = ""};
    (void)col_each(t, folders[i], put_script_of, &s);
  }
}

static bool is_desktop_line(col_view line)
{
  static const char *const keys[] = {"Exec=",
                                     "TryExec=",
                                     "Name=",
                                     "Hidden=",
                                     "NotShowIn=",
                                     "OnlyShowIn=",
                                     "X-GNOME-Autostart-enabled="};
  line = col_trim(line);
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    if (col_view_begins(line, keys[i]))
      return true;
  }
  return false;
}

static void list_desktop(void *data, const char *user, const char *home)
{
  col_listing l = *(const col_listing *)data;
  char path[COL_PATH];
  l.user = user;
  (void)snprintf(path, sizeof(path), "%s/.config/autostart", home);
  col_list_folder(&l, path);
  (void)snprintf(path, sizeof(path), "%s/.config/autostart-scripts", home);
  col_list_folder(&l, path);
}

void col_desktop_autostart(col_task *t)
{
  col_listing l = {.task = t, .user = "", .wanted = is_desktop_line};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_folder(&l, "/etc/xdg/autostart");
  col_each_home(t, list_desktop, &l);
}

/* ---- shells ---- */

static void list_shell(void *data, const char *user, const char *home)
{
  static const char *const files[] = {
      ".bashrc",          ".bash_profile",    ".bash_login",
      ".bash_logout",     ".bash_aliases",    ".profile",
      ".zshrc",           ".zshenv",          ".zprofile",
      ".zlogin",          ".kshrc",           ".cshrc",
      ".tcshrc",          ".login",           ".config/fish/config.fish",
      ".xinitrc",         ".xprofile",        ".xsession",
      ".xsessionrc",      ".inputrc",         ".ssh/rc",
      ".ssh/environment", ".pam_environment", ".forward",
      ".vimrc",           ".gdbinit"};
  col_listing l = *(const col_listing *)data;
  l.user = user;
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !col_stop(l.task); i++)
    col_list_below(&l, home, files[i]);
}

void col_shell_startup(col_task *t)
{
  static const char *const files[] = {
      "/etc/profile",          "/etc/bash.bashrc",     "/etc/bashrc",       "/etc/zshrc",
      "/etc/zsh/zshrc",        "/etc/zsh/zshenv",      "/etc/zsh/zprofile", "/etc/csh.cshrc",
      "/etc/csh.login",        "/etc/environment",     "/etc/ssh/sshrc",    "/etc/inputrc",
      "/etc/bash.bash_logout", "/etc/fish/config.fish"};
  col_listing l = {.task = t, .user = "", .masked = true};
  col_head(t, COL_LISTING_COLUMNS);
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    col_list_file(&l, files[i]);
  col_list_folder(&l, "/etc/profile.d");
  col_list_folder(&l, "/etc/environment.d");
  col_each_home(t, list_shell, &l);
}

/* ---- libraries, modules, devices, logins ---- */

void col_loader(col_task *t)
{
  col_listing l = {.task = t, .user = ""};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/ld.so.preload");
  col_list_file(&l, "/etc/ld.so.conf");
  col_list_folder(&l, "/etc/ld.so.conf.d");
}

void col_module_settings(col_task *t)
{
  static const char *const folders[] = {"/etc/modules-load.d",     "/run/modules-load.d",
                                        "/usr/lib/modules-load.d", "/etc/modprobe.d",
                                        "/run/modprobe.d",         "/usr/lib/modprobe.d"};
  col_listing l = {.task = t, .user = ""};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/modules");
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
    col_list_folder(&l, folders[i]);
}

static bool runs_something(col_view line)
{
  return col_is_content(line) &&
         (col_view_has(line, "RUN") || col_view_has(line, "PROGRAM") ||
          col_view_has(line, "IMPORT{program}") || col_view_has(line, "SYSTEMD_WANTS"));
}

void col_udev_rules(col_task *t)
{
  col_listing l = {.task = t, .user = "", .wanted = runs_something};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_folder(&l, "/etc/udev/rules.d");
  col_list_folder(&l, "/run/udev/rules.d");
  col_list_folder(&l, "/usr/lib/udev/rules.d");
}

void col_pam(col_task *t)
{
  col_listing l = {.task = t, .user = ""};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/pam.conf");
  col_list_folder(&l, "/etc/pam.d");
  col_list_file(&l, "/etc/security/pam_env.conf");
}

/* Programs that package managers run by themselves. */
static bool is_hook(col_view line)
{
  return col_is_content(line) &&
         (col_view_has(line, "Invoke") || col_view_has(line, "Exec") || col_view_has(line, "hook"));
}

void col_package_hooks(col_task *t)
{
  col_listing l = {.task = t, .user = "", .wanted = is_hook};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_folder(&l, "/etc/apt/apt.conf.d");
  col_list_folder(&l, "/etc/dpkg/dpkg.cfg.d");
  col_list_folder(&l, "/usr/share/libalpm/hooks");
  col_list_folder(&l, "/etc/pacman.d/hooks");
  col_list_folder(&l, "/etc/dnf/plugins");
}

/* ---- kernel modules ---- */

static bool put_module(void *data, const char *line, size_t len)
{
  col_task *t = data;
  col_view words[6];
  char path[COL_PATH];
  char text[64];
  size_t count = col_split((col_view){.ptr = line, .len = len}, ' ', words, 6);
  if (count < 5)
    return true;
  for (size_t i = 0; i < 5; i++)
    col_bytes(t, words[i].ptr, words[i].len);
  (void)snprintf(path, sizeof(path), "/sys/module/%.*s/taint", (int)words[0].len, words[0].ptr);
  col_read_line(t, path, text, sizeof(text));
  col_text(t, text);
  (void)snprintf(path, sizeof(path), "/sys/module/%.*s/srcversion", (int)words[0].len,
                 words[0].ptr);
  col_read_line(t, path, text, sizeof(text));
  col_text(t, text);
  return col_row(t);
}

void col_kernel_modules(col_task *t)
{
  char full[COL_PATH];
  col_path(t, "/proc/modules", full);
  if (access(full, F_OK) != 0) {
    col_mark_os(t, errno, "this kernel has no modules");
    return;
  }
  col_head(t, "name,bytes,used,used_by,state,taint,source_version");
  int error = col_lines(t, "/proc/modules", 4 * COL_MIB, put_module, t);
  if (error == EFBIG)
    col_cap(t, "only the first 4 MiB of /proc/modules");
  else if (error != 0)
    col_mark_os(t, error, "/proc/modules cannot be read");
}

static bool put_format(void *data, int dir, const char *name)
{
  col_task *t = data;
  char text[2048];
  (void)col_read_at(dir, name, text, sizeof(text));
  col_text(t, name);
  col_text(t, text);
  return col_row(t);
}

void col_binfmt(col_task *t)
{
  col_head(t, "name,text");
  int error = col_each(t, "/proc/sys/fs/binfmt_misc", put_format, t);
  if (error != 0 && error != ENOENT)
    col_mark_os(t, error, "binfmt_misc cannot be read");
}

/* ---- keys ---- */

typedef struct keys {
  col_task *task;
  const char *user;
  char path[COL_PATH];
  struct stat st;
  int64_t line;
} keys;

static bool put_key(void *data, const char *line, size_t len)
{
  keys *k = data;
  col_task *t = k->task;
  col_key_line l;
  char fingerprint[64] = "";
  k->line++;
  col_view v = {.ptr = line, .len = len};
  if (!col_is_content(v))
    return true;
  bool read = col_key_read(v, &l);
  if (read)
    col_key_fingerprint(l.key, fingerprint);
  else
    l = (col_key_line){.options = v, .type = {"", 0}, .key = {"", 0}, .comment = {"", 0}};
  col_text(t, k->user);
  col_text(t, k->path);
  col_num(t, k->line);
  col_bytes(t, l.type.ptr, l.type.len);
  col_text(t, fingerprint);
  col_bytes(t, l.comment.ptr, l.comment.len);
  col_bytes(t, l.options.ptr, l.options.len);
  col_bytes(t, l.key.ptr, l.key.len);
  col_stat(t, &k->st);
  return col_row(t);
}

static void list_keys(void *data, const char *user, const char *home)
{
  static const char *const files[] = {".ssh/authorized_keys", ".ssh/authorized_keys2"};
  col_task *t = data;
  for (size_t i = 0; i < 2 && !col_stop(t); i++) {
    keys k = {.task = t, .user = user};
    int fd = -1;
    (void)snprintf(k.path, sizeof(k.path), "%s/%s", home, files[i]);
    int error = col_open_below(t, home, files[i], &fd, &k.st);
    if (error == 0) {
      if (col_lines_fd(t, fd, 4 * COL_MIB, put_key, &k) == EFBIG)
        col_cap(t, "%s: only its first 4 MiB", k.path);
      (void)close(fd);
    } else if (error != ENOENT && error != ENOTDIR) {
      col_mark(t, COL_PARTIAL, "%s: %s", k.path, col_why(error));
    }
  }
}

void col_authorized_keys(col_task *t)
{
  col_head(t, "user,path,line,type,fingerprint,comment,options,key," COL_STAT_COLUMNS);
  col_each_home(t, list_keys, t);
}

void col_sshd_settings(col_task *t)
{
  col_listing l = {.task = t, .user = ""};
  col_head(t, COL_LISTING_COLUMNS);
  col_list_file(&l, "/etc/ssh/sshd_config");
  col_list_folder(&l, "/etc/ssh/sshd_config.d");
}
