/** GET /console: a page to look at the stage. It only calls the API, with a key that stays in the browser's tab. */

import { createHash } from 'node:crypto';
import { route } from '../../shared/platform/http.ts';

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --p0: #c0392b; --p1: #d68910; --p2: #2471a3; --p3: #717d7e }
* { box-sizing: border-box }
body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 16px }
h1 { font-size: 20px; margin: 0 } h2 { font-size: 15px; margin: 24px 0 8px }
header { display: flex; gap: 16px; align-items: center; justify-content: space-between; flex-wrap: wrap }
input { font: inherit; width: 420px; max-width: 100%; padding: 4px 8px }
button { font: inherit; padding: 4px 12px }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: 4px 8px; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
tr.link { cursor: pointer } tr.link:hover { background: var(--soft) }
.class { color: #fff; border-radius: 3px; padding: 0 6px; font-size: 12px }
.P0 { background: var(--p0) } .P1 { background: var(--p1) } .P2 { background: var(--p2) } .P3 { background: var(--p3) }
.bar { height: 14px; background: var(--soft); border-radius: 3px; overflow: hidden; display: flex }
.bar i { display: block; height: 100% } .used { background: #27ae60 } .promised { background: #f1c40f }
#message { margin: 12px 0; padding: 8px 12px; background: var(--soft); border-radius: 3px }
#message:empty { display: none } .empty { opacity: .6 }
pre { overflow: auto; background: var(--soft); padding: 12px; border-radius: 3px; max-height: 420px }
`;

const script = `
const $ = (id) => document.getElementById(id);
let key = location.hash.slice(1) || (sessionStorage.getItem('key') ?? '');
if (location.hash !== '') {
  sessionStorage.setItem('key', key);
  history.replaceState(null, '', location.pathname);
}
let shown = null;
$('key').value = key;
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  key = $('key').value.trim();
  sessionStorage.setItem('key', key);
  refresh();
});
async function get(path) {
  const response = await fetch(path, { headers: { authorization: 'Bearer ' + key } });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401 || response.status === 403) throw new Error('This key is not accepted. Paste one that npm start printed.');
  throw new Error(problem.detail ?? problem.message ?? 'The API answered ' + response.status + '.');
}
function cell(row, content, kind) {
  const td = row.insertCell();
  if (kind) td.className = kind;
  if (content instanceof Node) td.append(content); else td.textContent = content;
}
function badge(name) {
  const span = document.createElement('span');
  span.className = 'class ' + name;
  span.textContent = name;
  return span;
}
function fill(id, items, write, columns, none) {
  const body = $(id);
  body.replaceChildren();
  for (const item of items) write(body.insertRow(), item);
  if (items.length === 0) {
    const td = body.insertRow().insertCell();
    td.colSpan = columns;
    td.className = 'empty';
    td.textContent = none;
  }
}
function bar(id, name, unit, capacity, used, promised) {
  $(id + '-text').textContent = name + ': ' + used + ' of ' + (capacity ?? 'any number of') + ' ' + unit + ' in use' + (promised ? ', ' + promised + ' promised' : '');
  const share = (value) => capacity ? Math.min(100, 100 * value / capacity) + '%' : '0';
  $(id + '-used').style.width = share(used);
  $(id + '-promised').style.width = share(promised);
}
const ago = (time) => {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  return seconds < 90 ? seconds + ' s' : seconds < 5400 ? Math.round(seconds / 60) + ' min' : Math.round(seconds / 3600) + ' h';
};
async function show(run) {
  shown = run;
  const path = '/v1/runs/' + encodeURIComponent(run.runId);
  const tenant = 'tenantId=' + encodeURIComponent(run.tenantId);
  const [timeline, result] = await Promise.all([get(path + '/events?limit=100&' + tenant), get(path + '?' + tenant)]);
  fill('scores', result.deliberation.scores.slice(-10).reverse(), (row, score) => {
    cell(row, score.at.slice(11, 23));
    cell(row, score.phase ?? '');
    cell(row, score.recommendation);
    for (const name of ['overall', 'depth', 'coherence', 'relevance']) cell(row, score[name].toFixed(2), 'number');
  }, 7, 'No reasoning was scored.');
  $('run-title').textContent = 'Timeline of ' + run.runId;
  $('run').hidden = false;
  fill('timeline', timeline.items, (row, item) => {
    cell(row, item.at.slice(11, 23));
    cell(row, item.type);
    cell(row, item.taskId ?? '');
    cell(row, JSON.stringify(item.data));
  }, 4, 'Nothing yet.');
}
async function refresh() {
  if (key === '') return;
  try {
    const [pool, queue, runs] = await Promise.all([get('/v1/pool'), get('/v1/queue?limit=50'), get('/v1/runs?limit=25')]);
    $('stage').hidden = false;
    bar('cpu', 'CPU', 'vCPU', pool.cpu, pool.used.cpu, pool.promised.cpu);
    bar('memory', 'Memory', 'GB', pool.memoryGb, pool.used.memoryGb, pool.promised.memoryGb);
    fill('queue', queue.items, (row, item) => {
      cell(row, item.position, 'number');
      cell(row, badge(item.class));
      cell(row, item.tenantId);
      cell(row, item.taskId);
      cell(row, item.phase);
      cell(row, item.waitingFor);
      cell(row, ago(item.waitingSince));
    }, 7, 'Nobody waits.');
    fill('runs', runs.items, (row, run) => {
      row.className = 'link';
      row.addEventListener('click', () => show(run).catch(fail));
      cell(row, run.runId);
      cell(row, run.tenantId);
      cell(row, run.phase);
      cell(row, run.status);
      cell(row, run.spentUSD.toFixed(2) + ' of ' + run.limitUSD.toFixed(2), 'number');
      cell(row, ago(run.createdAt));
    }, 6, 'No runs yet. The welcome text of npm start has a first one to try.');
    if (shown !== null) await show(shown);
    fail(null);
  } catch (error) {
    fail(error);
  }
}
function fail(error) { $('message').textContent = error === null ? '' : error.message; }
refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 2000);
`;

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mothership</title>
<style>${style}</style>
<header>
  <h1>Mothership</h1>
  <form id="form"><input id="key" type="password" placeholder="msk_… (operator or runner key)" aria-label="API key" autocomplete="off"> <button>Look</button></form>
</header>
<p id="message">Paste a key to look at the stage. It stays in this tab.</p>
<main id="stage" hidden>
  <h2>Pool</h2>
  <p id="cpu-text"></p><div class="bar"><i id="cpu-used" class="used"></i><i id="cpu-promised" class="promised"></i></div>
  <p id="memory-text"></p><div class="bar"><i id="memory-used" class="used"></i><i id="memory-promised" class="promised"></i></div>
  <h2>Waiting, in order</h2>
  <table><thead><tr><th class="number">#<th>Class<th>Tenant<th>Task<th>Phase<th>Waits for<th>Since</tr></thead><tbody id="queue"></tbody></table>
  <h2>Runs, newest first</h2>
  <table><thead><tr><th>Run<th>Tenant<th>Phase<th>Status<th class="number">USD spent<th>Age</tr></thead><tbody id="runs"></tbody></table>
  <section id="run" hidden><h2>Last scores of its reasoning</h2>
  <table><thead><tr><th>At<th>Phase<th>Verdict<th class="number">Overall<th class="number">Depth<th class="number">Coherence<th class="number">Relevance</tr></thead><tbody id="scores"></tbody></table>
  <h2 id="run-title"></h2>
  <table><thead><tr><th>At<th>What<th>Task<th>Data</tr></thead><tbody id="timeline"></tbody></table></section>
</main>
<script>${script}</script>
</html>
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    "connect-src 'self'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
};

export const getConsole = route({ handle: async () => ({ status: 200, body: page, headers }) });
