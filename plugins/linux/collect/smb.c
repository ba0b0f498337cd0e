/* Sessions of file sharing: who is connected here, and what is mounted from elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "items.h"
#include "listing.h"
#include "mounts.h"
#include "net.h"
#include "parse.h"
#include "read.h"

enum { TEXT = 4096 };

static bool put_nfs_client(void *data, int dir, const char *name)
{
  col_task *t = data;
  char file[COL_NAME];
  char text[TEXT];
  (void)snprintf(file, sizeof(file), "%.100s/info", name);
  (void)col_read_at(dir, file, text, sizeof(text));
  col_view address = col_value_after(text, "address:");
  col_text(t, "nfs client");
  col_text(t, "");
  col_bytes(t, address.ptr, address.len);
  for (int i = 0; i < 7; i++)
    col_text(t, "");
  col_text(t, text);
  return col_row(t);
}

/* An empty table is easily overlooked, so a file says that there is nothing. */
static void say_none(col_task *t, const char *name, const char *sentence)
{
  if (col_rows(t) > 0 || col_is_marked(t) || col_over(t))
    return;
  col_begin(t, name, "the table beside it");
  (void)col_printf(t, "none: %s\n", sentence);
}

void col_smb_inbound(col_task *t)
{
  col_begin(t, "SMBInboundSessions.csv",
            "sock_diag: TCP ports 445, 139, 2049; /proc/fs/nfsd/clients");
  col_head(t, "kind,namespace,remote_address,remote_port,local_address,local_port,pid,process,"
              "program,other_pids,details");
  col_net_smb(t);
  (void)col_each(t, "/proc/fs/nfsd/clients", put_nfs_client, t);
  say_none(t, "SMBInboundSessions.txt",
           "no other machine is connected to this one's ports of SMB or NFS");
  col_say_untold(
      t, "samba_sessions.txt", "/run/samba",
      "who the users of samba's sessions are is in its databases, beside the keys of the "
      "sessions, which are not taken. As root on the device: smbstatus --json");
}

static bool is_shared(const char *type)
{
  static const char *const types[] = {"cifs", "smb3", "smbfs", "nfs", "nfs4", "9p", "ceph", "afs"};
  for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
    if (strcmp(type, types[i]) == 0)
      return true;
  }
  return strcmp(type, "fuse.sshfs") == 0 || strcmp(type, "fuse.smbnetfs") == 0;
}

static bool put_mount(void *data, const char *line, size_t len)
{
  col_task *t = data;
  col_mount m;
  if (!col_mount_read(line, len, &m) || !is_shared(m.type))
    return true;
  col_view rest = col_view_of(m.super_options);
  const char *user = strstr(m.super_options, "username=");
  rest = user != NULL ? col_view_of(user + strlen("username=")) : col_view_of("");
  col_text(t, m.type);
  col_masked(t, col_view_of(m.source));
  col_text(t, m.point);
  col_bytes(t, rest.ptr, strcspn(rest.ptr, ","));
  col_text(t, m.options);
  col_masked(t, col_view_of(m.super_options));
  return col_row(t);
}

void col_smb_outbound(col_task *t)
{
  col_begin(t, "SMBOutboundSession.csv", "/proc/PID/mountinfo of the agent");
  col_head(t, "type,source,mounted_at,user,options,file_system_options");
  int error = col_agents_mounts(t, put_mount, t);
  if (error != 0)
    col_mark_os(t, error, "mountinfo cannot be read");
  say_none(t, "SMBOutboundSession.txt", "no file system of another machine is mounted");
}

void col_smb_files(col_task *t)
{
  static const char *const copied[][2] = {{"cifs_DebugData.txt", "/proc/fs/cifs/DebugData"},
                                          {"smb.conf", "/etc/samba/smb.conf"},
                                          {"exports.txt", "/etc/exports"},
                                          {"nfsd_exports.txt", "/proc/fs/nfsd/exports"}};
  for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]) && !col_stop(t); i++)
    col_copy(t, copied[i][0], copied[i][1], COL_MIB);
}
