/* A console for the tests of `cordon`: HTTPS, with the answers that the API documents. The client's
 * id chooses how it misbehaves ("plain": not at all), and each client has a fleet of its own.
 * Arguments: a folder with key.pem and cert.pem; every request is written there, as a line of JSON,
 * to <client>.log. Prints its port, and ends when its standard input does. */
'use strict';
const https = require('node:https');
const fs = require('node:fs');
const path = require('node:path');
const crypto = require('node:crypto');

const folder = process.argv[2];
const SECRET = 's3cret+with&signs=%';

/* A report as a console and a device made it, of a collection whose package nobody has kept. */
const REPORT = JSON.parse(fs.readFileSync(path.join(__dirname, 'signed_report.json')));
const FORGED = { package: { ...REPORT.evidence.package, bytes: 5, digest: `sha256:${crypto.createHash('sha256').update('hello').digest('hex')}` } };
const collected = (client) => ({
  id: REPORT.action.id, type: REPORT.action.type, kind: 'collect', status: 'Succeeded', machineId: REPORT.device.id,
  computerDnsName: 'desk-1', requestor: 'tests', comment: 'test', created: '2026-11-29T03:04:56.851Z', updated: '2026-11-29T03:04:56.916Z',
  sent: null, parameters: {}, outcome: 'ok', sentence: '', evidence: client === 'forged' ? FORGED : REPORT.evidence,
  package: { state: 'here', missing: null },
});

const hex = (text) => crypto.createHash('sha1').update(text).digest('hex');

/* ---- the fleet ---- */

const NAMES = ['desk-1.example', 'desk-2.example', 'desk-2.lab', 'server-1', 'off-1', 'liar-1',
  'broken-1', 'busy-1', 'twin', 'twin'];

/* Of some clients: devices behind the others. */
const EXTRA = { namesake: ['desk-1'], held: ['twin-2'] };

function makeFleet(client) {
  const machines = [...NAMES, ...(EXTRA[client] ?? [])].map((name, i) => ({
    id: hex(`${name} ${i}`), computerDnsName: name, firstSeen: '2026-01-01T00:00:00.0000000Z',
    lastSeen: '2026-11-20T10:00:00.1234567Z', osPlatform: 'Linux', version: '12',
    lastIpAddress: `10.0.0.${i + 1}`, healthStatus: name === 'off-1' ? 'Inactive' : 'Active',
    agentVersion: '0.1.0', rbacGroupId: 0, machineTags: name.startsWith('desk') ? ['desks'] : name === 'busy-1' || name === 'server-1' ? ['mixed'] : [],
  }));
  return { machines, actions: new Map(), polls: new Map(), tokens: [], used: {}, policies: new Map(), sets: new Map() };
}

const fleets = new Map();
const fleetOf = (client) => {
  if (!fleets.has(client)) fleets.set(client, makeFleet(client));
  return fleets.get(client);
};

/* What a preflight found; one device would refuse. */
const found = (name) => ({
  verdict: name === 'server-1' ? 'refuse' : 'go',
  findings: name === 'server-1'
    ? [{ check: 'console_tunnel', severity: 'refuse', sentence: 'through \u001b[2Jwg0' }]
    : [{ check: 'session_in_use', severity: 'warn', sentence: 'alice works here' }],
  findings_left_out: 0,
  would_cut: { connections: [{ protocol: 'tcp', direction: 'in', remote: '192.0.2.9', port: 22, count: 2,
    user: 'root', unit: 'ssh.service' }], connections_left_out: 3, services: [], services_left_out: 0,
  guests: [], guests_left_out: 0 },
});

/* What a scan found: desk-2 has malware, server-1 was not scanned whole, the others are clean. */
const scanned = (name) => {
  const found = name === 'desk-2.example';
  const left = name === 'server-1';
  return {
    type: 'quick', engine: { name: 'ClamAV', version: '1.0.3' }, database: { version: 27000, built_ms: null, signatures: 2 },
    files_planned: 3, files_scanned: left ? 2 : 3, bytes_scanned: 4096, findings_total: found ? 1 : 0,
    findings: found ? [{ path: '/srv/\u001b[2Jx', size: 68, sha256: 'ab'.repeat(32), sha1: 'cd'.repeat(20), signature: 'Win.Trojan.Agent-1',
      owner: { uid: 1000, name: 'mallory' }, modified_ms: 1795493300000, processes: [], deleted: false }] : [],
    not_scanned_total: left ? 1 : 0, not_scanned: left ? [{ path: { base64: 'L_8' }, reason: 'too_large', size: 157286400 }] : [],
    not_scanned_reasons: left ? { too_large: 1 } : {}, complete: !left, elapsed_ms: 9,
  };
};

const ALERT = { id: 'da639000000000000000_-12', title: 'Malware found: \u001b[2JWorm', status: 'New', severity: 'High',
  alertCreationTime: '2026-11-24T05:34:54.1234567Z', lastUpdateTime: '2026-11-24T05:34:54.1234567Z', machineId: 'ab', computerDnsName: 'desk-1.example',
  description: 'A quick scan found 1.', assignedTo: null, classification: null, determination: null, comments: [] };

/* What the device measured, as its result says. */
const evidence = (action) => {
  if (action.type === 'RunAntiVirusScan') return { scan: scanned(action.computerDnsName) };
  if (action.type === 'Remediate' || action.type === 'StopAndQuarantineFile') {
    return { remediate: { operation: 'file.quarantine', target: { path: '/tmp/x' }, steps: [{ step: 'seal', outcome: 'ok', detail: '68 bytes' }],
      undo: 'available', verified: [{ what: 'the file is gone', measured: true }] } };
  }
  if (action.type === 'Preflight') return { preflight: found(action.computerDnsName) };
  const isolate = action.type === 'Isolate';
  return {
    enforced: { value: isolate ? 'isolated' : 'released', at: 1795493300040 },
    proven: { value: isolate ? 'holds' : 'released', at: 1795493300400 },
    verify: { holds: isolate, probes: [{ name: 'tcp4', target: '192.0.2.1:443', outcome: 'blocked',
      counter_before: 0, counter_after: 3 }], not_probed: ['\u001b[2Jwhat others open'] },
  };
};

function newAction(fleet, machine, type, body) {
  const id = crypto.randomUUID();
  const action = {
    id, type, title: null, requestor: 'responder', requestorComment: body.Comment, status: 'Pending',
    machineId: machine.id, computerDnsName: machine.computerDnsName,
    creationDateTimeUtc: '2026-11-24T05:34:54.1234567Z',
    lastUpdateDateTimeUtc: '2026-11-24T05:34:54.1234567Z', cancellationRequestor: null,
    cancellationComment: null, cancellationDateTimeUtc: null, errorHResult: 0,
    scope: type !== 'Unisolate' ? body.IsolationType : null, externalId: body.ExternalId ?? null,
    requestSource: 'PublicApi', relatedFileInfo: null, commands: [], troubleshootInfo: null,
  };
  fleet.actions.set(id, action);
  return action;
}

/* Pending, then at work, then done: a step at each look. */
function lookAt(fleet, action) {
  const name = action.computerDnsName;
  const looks = (fleet.polls.get(action.id) ?? 0) + 1;
  fleet.polls.set(action.id, looks);
  const detail = {
    id: action.id, type: action.type,
    kind: { CollectInvestigationPackage: 'collect', Isolate: 'isolate', Unisolate: 'release', Preflight: 'preflight', RunAntiVirusScan: 'scan', Remediate: 'remediate',
      StopAndQuarantineFile: 'remediate' }[action.type],
    status: action.status, machineId: action.machineId, computerDnsName: name,
    requestor: action.requestor, comment: action.requestorComment, ticket: action.externalId ?? '',
    source: 'PublicApi', created: '2026-11-24T05:34:54.000Z', updated: '2026-11-24T05:34:54.512Z',
    sent: '2026-11-24T05:34:54.100Z', expires: null, generation: 7,
    parameters: action.scope && action.type !== 'Unisolate' ? { type: action.scope.toLowerCase(), exclusions: [] } : {},
    accepted: false, waitsFor: 'the device is not connected', progress: null, outcome: '', sentence: '',
    evidence: null, audit: { sequence: 1, digest: `sha256:${'ab'.repeat(32)}` },
  };
  if (action.status === 'Cancelled' || name === 'off-1' || looks === 1) return detail;
  if (looks === 2) {
    action.status = 'InProgress';
    return { ...detail, status: 'InProgress', progress: action.type === 'RunAntiVirusScan'
      ? { step: 'scan', done: 42, total: 100, what: '1 of 3 files' } : { step: 'apply', done: 0, total: 0, what: null } };
  }
  const failed = name === 'broken-1';
  action.status = failed ? 'Failed' : 'Succeeded';
  return { ...detail, status: action.status, waitsFor: null, outcome: failed ? 'io' : 'ok',
    sentence: failed ? 'the disk is full' : '',
    evidence: failed || name === 'liar-1' ? null : evidence(action) };
}

/* ---- the audit log ---- */

function auditLog(client) {
  let previous = Buffer.alloc(32);
  const entries = [];
  for (let i = 1; i <= 5; i++) {
    const entry = { sequence: i, at: 1795493300000 + i, who: 'responder', what: 'action.create',
      device: i % 2 ? hex(`${i}`) : null, action: null, detail: { kind: 'isolate', comment: 'ü "quoted"\n\u0001', n: i } };
    const digest = crypto.createHash('sha256').update('cordon-audit-1\n').update(previous)
      .update(JSON.stringify(entry)).digest();
    entries.push({ ...entry, previous: previous.toString('hex'), digest: digest.toString('hex') });
    previous = digest;
  }
  const head = { sequence: 5, digest: previous.toString('hex') };
  if (client === 'audit-edited') entries[2].who = 'nobody';
  if (client === 'audit-detail') entries[3].detail.comment = 'harmless';
  if (client === 'audit-cut') entries.splice(1, 1);
  if (client === 'audit-end') entries.pop();
  if (client === 'audit-reordered') [entries[1], entries[2]] = [entries[2], entries[1]];
  if (client === 'audit-linked') entries[3].previous = entries[1].digest;
  return { entries, head };
}

/* ---- answers ---- */

const error = (status, code, message) => ({ status, body: { error: { code, message, target: crypto.randomUUID() } } });
const ok = (body, status = 200) => ({ status, body });

function unquote(text) {
  return text.slice(1, -1).replaceAll("''", "'");
}

function filterMachines(fleet, query) {
  const filter = query.get('$filter');
  if (!filter) return fleet.machines;
  const prefix = unquote(/^startswith\(computerDnsName,('.*')\)$/.exec(filter)[1]).toLowerCase();
  return fleet.machines.filter((m) => m.computerDnsName.toLowerCase().startsWith(prefix));
}

const named = (fleet, kind) => (kind === 'policies' ? fleet.policies : fleet.sets);

const routes = [
  ['GET', /^\/api\/machines$/, ({ fleet, query }) => {
    const all = filterMachines(fleet, query);
    const skip = Number(query.get('$skip') ?? 0);
    return ok({ value: all.slice(skip, skip + Number(query.get('$top') ?? 100)) });
  }],
  ['GET', /^\/api\/machines\/findbytag$/, ({ fleet, query }) =>
    ok({ value: fleet.machines.filter((m) => m.machineTags.includes(query.get('tag'))) })],
  ['GET', /^\/api\/machines\/([^/]+)$/, ({ machine }) => ok(machine)],
  ['POST', /^\/api\/machines\/([^/]+)\/(isolate|unisolate)$/, ({ fleet, machine, body, match }) => {
    if (machine.computerDnsName === 'busy-1') return error(400, 'ActiveRequestAlreadyExists', 'Action is already in progress');
    if (body.Exclusions === 'nosuch') return error(400, 'InvalidInput', 'There is no list of exclusions nosuch.');
    return ok(newAction(fleet, machine, match[2] === 'isolate' ? 'Isolate' : 'Unisolate', body), 201);
  }],
  ['POST', /^\/api\/cordon\/machines\/([^/]+)\/preflight$/, ({ fleet, machine, body }) =>
    ok(newAction(fleet, machine, 'Preflight', body), 201)],
  ['POST', /^\/api\/cordon\/machines\/([^/]+)\/renew$/, ({ fleet, machine, body }) =>
    ok(newAction(fleet, machine, 'Isolate', body), 201)],
  ['POST', /^\/api\/cordon\/machines\/([^/]+)\/scan$/, ({ fleet, machine, body }) =>
    ok(newAction(fleet, machine, 'RunAntiVirusScan', { ...body, IsolationType: body.ScanType }), 201)],
  ['POST', /^\/api\/machines\/([^/]+)\/StopAndQuarantineFile$/, ({ fleet, machine, body }) =>
    ok(newAction(fleet, machine, 'StopAndQuarantineFile', body), 201)],
  ['POST', /^\/api\/cordon\/machines\/([^/]+)\/remediate$/, ({ fleet, machine, body }) =>
    ok(newAction(fleet, machine, 'Remediate', body), 201)],
  ['POST', /^\/api\/cordon\/machineactions\/([^/]+)\/(undo|restore)$/, ({ fleet, match, body }) => {
    const action = fleet.actions.get(match[1]);
    if (!action) return error(404, 'ResourceNotFound', `MachineAction ${match[1]} was not found`);
    return ok(newAction(fleet, fleet.machines.find((m) => m.id === action.machineId), 'Remediate', body), 201);
  }],
  ['GET', /^\/api\/alerts$/, ({ query }) => ok({ value: query.get('$filter') === "status eq 'Resolved'" ? [] : [ALERT] })],
  ['GET', /^\/api\/machines\/([^/]+)\/alerts$/, () => ok({ value: [ALERT] })],
  ['GET', /^\/api\/cordon\/alerts\/([^/]+)$/, ({ match }) => (match[1] !== ALERT.id
    ? error(404, 'ResourceNotFound', `Alert ${match[1]} was not found`)
    : ok({ alert: { ...ALERT, comments: [{ comment: 'seen', createdBy: 'ann' }] }, recommendedAction: 'Look.', findingsTotal: 9, leftOut: 8,
      findings: [{ path: { base64: 'L_8' }, size: 68, sha1: 'cd'.repeat(20), sha256: null, owner: { uid: 1, name: 'mallory' },
        processes: [{ pid: 7, start: 1, name: 'x', user: null }] }], actions: ['0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01'] }))],
  ['PATCH', /^\/api\/alerts\/([^/]+)$/, ({ body }) => (body.classification === 'Wrong'
    ? error(400, 'InvalidInput', "Invalid input classification: 'Wrong' is none of its values")
    : ok({ ...ALERT, status: body.status }))],
  ['POST', /^\/api\/machines\/([^/]+)\/tags$/, ({ machine, body }) => {
    machine.machineTags = machine.machineTags.filter((t) => t !== body.Value);
    if (body.Action === 'Add') machine.machineTags.push(body.Value);
    return ok(machine);
  }],
  ['GET', /^\/api\/machineactions$/, ({ fleet, query }) => {
    let all = [...fleet.actions.values()].reverse();
    const filter = query.get('$filter');
    if (filter) all = all.filter((a) => filter === `machineId eq '${a.machineId}'`);
    return ok({ value: all.slice(0, Number(query.get('$top'))) });
  }],
  ['POST', /^\/api\/machineactions\/([^/]+)\/cancel$/, ({ fleet, match, body }) => {
    const action = fleet.actions.get(match[1]);
    if (!action) return error(404, 'ResourceNotFound', `Action ${match[1]} was not found`);
    if (!['Pending', 'InProgress'].includes(action.status)) return error(400, 'BadRequest', 'The action has ended');
    action.status = 'Cancelled';
    action.cancellationComment = body.Comment;
    return ok(action);
  }],
  ['POST', /^\/api\/cordon\/machineactions\/([^/]+)\/code$/, ({ fleet, match, client }) => {
    const action = fleet.actions.get(match[1]);
    if (!action) return error(404, 'ResourceNotFound', `Action ${match[1]} was not found`);
    if (action.shown) return error(403, 'DisallowedOperation', `the release code was shown to 'alice' at 2026-11-24`);
    action.shown = true;
    return ok({ id: action.id, code: client === 'code-hostile' ? '05012-34567-89ABC-DEFG\u001b[2J' : '05012-34567-89ABC-DEFGT' });
  }],
  ['GET', /^\/api\/cordon\/devices\/([^/]+)$/, ({ machine }) => ok({
    id: machine.id, computerDnsName: machine.computerDnsName, lastSeen: machine.lastSeen,
    connected: machine.computerDnsName !== 'off-1',
    states: [{ state: 'isolate',
      wanted: { value: 'isolated', type: 'full', generation: 7, action: null, since: 1795493300000 },
      enforced: { value: 'isolated', at: 1795493300040, digest: null, note: null },
      proven: { value: 'holds', at: 1795493300400, note: null },
      drift: { count: 1, last: 1795493300500, note: 'by hand' }, provider: 'org.cordon.nftables' }],
    wanted: [{ state: 'isolate', value: 'isolated', lease_until: '2026-12-01T08:00:00.000Z',
      rolled_back: machine.computerDnsName === 'off-1' ? 4 : 0, lost_console: { rule: 'keep' }, unreachable: { rule: 'release', after_s: 60 } }],
    revoked: false, cloneSuspected: machine.computerDnsName === 'liar-1',
    policy: machine.computerDnsName === 'server-1' ? { wanted: 'servers', wantedRevision: 3, wantedVersion: 8,
      reported: { version: 7, name: 'servers', trial: true, refused: 0, sentence: null, at: '2026-11-24T05:34:54.123Z' },
      why: 'it was sent, and the device has not said that it is in force' }
      : { wanted: null, wantedRevision: 0, wantedVersion: 0, reported: null, why: null },
    pending: machine.computerDnsName !== 'off-1' ? [] : [{ id: crypto.randomUUID(), type: 'Isolate', status: 'Pending',
      created: '2026-11-24T05:34:54.123Z', waitsFor: 'the device is not connected', progress: null }],
  })],
  ['GET', /^\/api\/cordon\/actions\/([^/]+)$/, ({ fleet, match, client }) => {
    if (match[1] === REPORT.action.id) return ok(collected(client));
    const action = fleet.actions.get(match[1]);
    return action ? ok(lookAt(fleet, action)) : error(404, 'ResourceNotFound', `Action ${match[1]} was not found`);
  }],
  ['GET', /^\/api\/cordon\/actions\/([^/]+)\/report$/, ({ match }) =>
    ok(match[1] === REPORT.action.id ? REPORT : { report: 'proof', action: match[1] })],
  ['GET', /^\/api\/machineactions\/([^/]+)\/getPackageUri$/, ({ client }) => (client === 'late'
    ? error(404, 'ResourceNotFound', 'The package is not here: it is on its way')
    : ok({ value: 'https://another.name:1/api/cordon/packages/token' }))],
  ['POST', /^\/api\/machines\/([^/]+)\/collectInvestigationPackage$/, ({ fleet, machine, body }) =>
    ok(newAction(fleet, machine, 'CollectInvestigationPackage', body), 201)],
  ['POST', /^\/api\/cordon\/(isolate|release|preflight)$/, ({ fleet, body, match }) => {
    const machines = fleet.machines.filter((m) => m.machineTags.includes(body.tag));
    if (body.expect !== undefined && body.expect !== machines.length)
      return error(400, 'InvalidInput', `Invalid input expect: the tag now has ${machines.length} devices; look at the preview again`);
    const type = { isolate: 'Isolate', release: 'Unisolate', preflight: 'Preflight' }[match[1]];
    const made = (m) => (body.preview ? {} : m.computerDnsName === 'busy-1'
      ? { action: null, error: 'an action of that kind is under way' }
      : { action: newAction(fleet, m, type, body).id, error: null });
    return ok({ preview: body.preview, tag: body.tag, count: machines.length,
      value: machines.map((m) => ({ id: m.id, computerDnsName: m.computerDnsName, ...made(m) })) }, body.preview ? 200 : 201);
  }],
  ['GET', /^\/api\/cordon\/tokens$/, ({ fleet }) => ok({ value: fleet.tokens })],
  ['POST', /^\/api\/cordon\/tokens$/, ({ fleet, body, client }) => {
    const token = { id: crypto.randomUUID(), usesLeft: body.uses, usesMade: 0,
      created: '2026-11-24T05:34:54.123Z', expires: '2026-11-25T05:34:54.123Z', createdBy: 'responder',
      tags: body.tags, note: body.note, revoked: false };
    fleet.tokens.push(token);
    return ok({ id: token.id, expires: token.expires, usesLeft: body.uses, file: {
      version: client === 'future' ? 2 : 1, enroll: ['https://console.example:8443'], agents: ['console.example:8444'],
      token: crypto.randomBytes(32).toString('base64url'), root: 'MFkw', ca: 'PEM', tls_ca: 'PEM' } }, 201);
  }],
  ['DELETE', /^\/api\/cordon\/tokens\/([^/]+)$/, ({ fleet, match }) => {
    const token = fleet.tokens.find((t) => t.id === match[1]);
    if (!token) return error(404, 'ResourceNotFound', `Token ${match[1]} was not found`);
    token.revoked = true;
    return ok({ id: token.id, revoked: true });
  }],
  ['GET', /^\/api\/cordon\/(policies|exclusions)$/, ({ fleet, match }) =>
    ok({ value: [...named(fleet, match[1]).values()].map(({ body, exclusions, ...rest }) => rest) })],
  ['GET', /^\/api\/cordon\/(policies|exclusions)\/([^/]+)$/, ({ fleet, match }) => {
    const one = named(fleet, match[1]).get(decodeURIComponent(match[2]));
    return one ? ok(one) : error(404, 'ResourceNotFound', `there is no policy '${match[2]}'`);
  }],
  ['POST', /^\/api\/cordon\/(policies|exclusions)\/([^/]+)$/, ({ fleet, match, body }) => {
    const { Comment: comment, ...rest } = body;
    if (rest.body && rest.body.isolated) return error(400, 'InvalidInput', 'Invalid input: the policy: isolated is not a known key');
    const name = decodeURIComponent(match[2]);
    const was = named(fleet, match[1]).get(name);
    const one = { name, source: 'console', revision: (was ? was.revision : 0) + 1, updated: '2026-11-24T05:34:54.123Z',
      updatedBy: 'responder', comment, tags: [], devices: 2, ...rest };
    named(fleet, match[1]).set(name, one);
    return ok(one);
  }],
  ['POST', /^\/api\/cordon\/policies\/([^/]+)\/(assign|unassign)$/, ({ fleet, match, body }) => {
    const one = fleet.policies.get(match[1]);
    if (!one) return error(404, 'ResourceNotFound', `there is no policy '${match[1]}'`);
    one.tags = match[2] === 'assign' ? [{ tag: body.tag, rank: body.rank ?? 0 }] : [];
    return ok(one);
  }],
  ['POST', /^\/api\/cordon\/(policies|exclusions)\/([^/]+)\/remove$/, ({ fleet, match }) => {
    named(fleet, match[1]).delete(match[2]);
    return ok({ removed: true });
  }],
  ['GET', /^\/api\/cordon\/audit$/, ({ query, client }) => {
    const { entries } = auditLog(client);
    const start = Number(query.get('from')) - 1;
    const page = entries.slice(start, start + 2);
    return ok({ value: page, next: page.length === 2 ? start + 3 : null });
  }],
  ['GET', /^\/api\/cordon\/audit\/head$/, ({ client }) => (client === 'audit-alone'
    ? error(503, 'ServiceUnavailable', 'the signer is not there')
    : ok({ head: { ...auditLog(client).head, signed: 'x.y.z' }, orderKey: 'x', root: 'y' }))],
];

function answer(request) {
  const { fleet, method, url } = request;
  for (const [verb, pattern, handler] of routes) {
    const match = pattern.exec(url.pathname);
    if (verb !== method || !match) continue;
    const named = /^\/api\/(machines|cordon\/devices|cordon\/machines)\//.test(url.pathname) && match[1];
    const machine = named ? fleet.machines.find((m) => m.id === match[1]) : null;
    if (named && !machine) return error(404, 'ResourceNotFound', `Machine ${match[1]} was not found`);
    return handler({ ...request, query: url.searchParams, match, machine });
  }
  return error(404, 'NotFound', 'No HTTP resource was found that matches the request URI');
}

/* ---- how each client is treated badly ---- */

const once = (fleet, what) => {
  const first = !fleet.used[what];
  fleet.used[what] = true;
  return first;
};

/* An answer, or 'taken' when it was dealt with here, or nothing. */
function misbehave(request, response) {
  const { client, fleet, method } = request;
  switch (client) {
    case 'forbidden': return method === 'POST' ? error(403, 'Forbidden', 'The application does not have any of the required application permissions (Machine.Isolate) to access the resource.') : null;
    case 'stale': return once(fleet, 'stale') ? error(401, 'Unauthorized', 'expired') : null;
    case 'never': return error(401, 'Unauthorized', 'not you');
    case 'busy': return once(fleet, 'busy') ? { ...error(429, 'TooManyRequests', 'slower'), retry: 1 } : null;
    case 'busy-long': return { ...error(429, 'TooManyRequests', 'much slower'), retry: 3600 };
    case 'html': return { status: 200, text: '<html>welcome</html>' };
    case 'words': return { status: 500, text: 'oops' };
    case 'list': return { status: 200, text: '[1,2]' };
    case 'null': return { status: 200, text: '{"value":null}' };
    case 'wrong-device': return method === 'POST' ? ok({ ...newAction(fleet, fleet.machines[5], 'Isolate', {}) }, 201) : null;
    case 'path': return { status: 200, text: '{"value":[{"id":"../../x","computerDnsName":"desk-1.example"}]}' };
    case 'escape': return error(400, 'BadRequest', '\u001b[2J\u202egnihtyna');
    case 'redirect': response.writeHead(302, { location: `https://127.0.0.1:${server.address().port}/api/elsewhere` }); response.end(); return 'taken';
    case 'hang': return 'taken';
    case 'drop': if (method !== 'POST') return null; request.socket.destroy(); return 'taken';
    case 'huge': {
      response.writeHead(200, { 'content-type': 'application/json' });
      const block = Buffer.alloc(1 << 20, 0x20);
      const more = () => { while (response.writable && !response.destroyed && response.write(block)); };
      response.on('drain', more);
      response.on('error', () => {});
      more();
      return 'taken';
    }
    default: return null;
  }
}

function giveToken(form) {
  const client = form.get('client_id');
  if (form.get('grant_type') !== 'client_credentials' || form.get('client_secret') !== SECRET)
    return { client, reply: { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' } } };
  const token = client === 'bad-token' ? 'a b\r\nX: y' : `${client}.${crypto.randomBytes(8).toString('hex')}`;
  return { client, reply: ok({ token_type: 'Bearer', expires_in: 3599, access_token: token }) };
}

function send(response, reply) {
  const headers = { 'content-type': 'application/json' };
  if (reply.retry) headers['retry-after'] = String(reply.retry);
  response.writeHead(reply.status, headers);
  response.end(reply.text ?? (reply.body === undefined ? undefined : JSON.stringify(reply.body)));
}

function note(client, line) {
  fs.appendFileSync(path.join(folder, `${client.replace(/[^a-z0-9-]/g, '_')}.log`), `${JSON.stringify(line)}\n`);
}

function handle(request, response, text) {
  const url = new URL(request.url, 'https://console');
  if (url.pathname === '/cordon/oauth2/v2.0/token') {
    const { client, reply } = giveToken(new URLSearchParams(text));
    note(client ?? 'none', { method: request.method, url: request.url });
    send(response, reply);
    return;
  }
  if (url.pathname === '/api/cordon/packages/token') {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range);
    response.writeHead(206);
    response.end(Buffer.alloc(Number(last) - Number(first) + 1, 'x'));
    return;
  }
  const bearer = /^Bearer (.*)\.[0-9a-f]+$/.exec(request.headers.authorization ?? '');
  const client = bearer ? bearer[1] : 'none';
  note(client, { method: request.method, url: request.url, body: text });
  const body = text ? JSON.parse(text) : {};
  const asked = { client, fleet: fleetOf(client), method: request.method, url, body, socket: request.socket };
  const reply = bearer ? misbehave(asked, response) ?? answer(asked) : error(401, 'Unauthorized', 'no token');
  if (reply !== 'taken') send(response, reply);
}

const server = https.createServer({ key: fs.readFileSync(path.join(folder, 'key.pem')), cert: fs.readFileSync(path.join(folder, 'cert.pem')) },
  (request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (part) => { text += part; });
    request.on('end', () => handle(request, response, text));
  });
server.on('tlsClientError', () => {});
server.listen(0, '0.0.0.0', () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
