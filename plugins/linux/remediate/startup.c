/* Start-up items that are files: each is taken as a file is, from the places where what starts by
 * itself is kept, and only from there. */
#include <fnmatch.h>
#include <string.h>

#include "remediate.h"

static const char *const places[] = {"/etc/xdg/autostart/*.desktop",
                                     "*/.config/autostart/*.desktop",
                                     "/etc/profile.d/*",
                                     "/etc/profile",
                                     "/etc/rc.local",
                                     "/etc/rc.d/rc.local",
                                     "/etc/init.d/*",
                                     "/etc/ld.so.preload",
                                     "/etc/X11/Xsession.d/*",
                                     "/etc/update-motd.d/*",
                                     "/etc/udev/rules.d/*",
                                     "/etc/systemd/system/*",
                                     "/etc/systemd/user/*",
                                     "*/.config/systemd/user/*",
                                     "*/.local/share/systemd/user/*",
                                     "/etc/bash.bashrc",
                                     "*/.bashrc",
                                     "*/.bash_profile",
                                     "*/.bash_login",
                                     "*/.profile",
                                     "*/.zshrc",
                                     "*/.zprofile",
                                     "*/.xprofile",
                                     "*/.xinitrc",
                                     "/etc/cron.d/*",
                                     "/etc/cron.hourly/*",
                                     "/etc/cron.daily/*",
                                     "/etc/cron.weekly/*",
                                     "/etc/cron.monthly/*",
                                     "/etc/modules-load.d/*"};

bool rem_startup_is(const char *path)
{
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
    if (fnmatch(places[i], path, 0) == 0)
      return true;
  return false;
}

cordon_status rem_startup_run(rem_job *j, sup_err *err)
{
  char path[REM_PATH];
  char show[REM_SHOW];
  rem_meta m = {0};
  cordon_status status = rem_bytes_get(j->target, "path", path, sizeof(path), err);
  if (status != CORDON_OK)
    return status;
  if (!rem_startup_is(path))
    return sup_fail(
        err, CORDON_E_INVALID,
        "'%s' is no place where start-up items are kept; file.quarantine takes any file",
        rem_show(path, show));
  if (strcmp(j->operation, "startup.remove") == 0)
    return rem_quarantine(j, path, j->action, NULL, err);
  status = rem_container_of_path(j, path, &m, err);
  if (status == CORDON_E_NOTFOUND)
    status = sup_fail(err, status, "nothing that was taken from '%s' is kept here",
                      rem_show(path, show));
  else if (status == CORDON_OK)
    status = rem_restore(j, &m, err);
  rem_meta_release(&m);
  return status;
}
