#!/usr/bin/env python3
"""scrape.py PAGE OPENMETRICS DASHBOARD RULES FOLDER: a real Prometheus scrapes the page, in the
format that it asks for, and every query of the dashboard is put to it.  Prints what is wrong,
nothing where all is well."""
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

page, openmetrics, dashboard, rules, folder = sys.argv[1:]
asked = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_openmetrics = 'openmetrics' in self.headers['Accept']
        asked.append(is_openmetrics)
        with open(openmetrics if is_openmetrics else page, 'rb') as file:
            body = file.read()
        self.send_response(200)
        self.send_header('Content-Type',
                         'application/openmetrics-text; version=1.0.0; charset=utf-8'
                         if is_openmetrics else 'text/plain; version=0.0.4; charset=utf-8')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def queries():
    """Every expression of the dashboard, as Grafana would send it."""
    with open(dashboard) as file:
        board = json.load(file)
    for panel in board['panels']:
        for target in panel.get('targets', []):
            query = target['expr']
            for name, value in (('$__rate_interval', '10s'), ('$__range', '10s'),
                                ('$instance', '.*'), ('$job', '.*')):
                query = query.replace(name, value)
            yield panel['title'], query


def ask(base, query):
    url = base + '/api/v1/query?' + urllib.parse.urlencode({'query': query})
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)['data']['result'], None
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors='replace')
        # While it starts it answers 503 in words.
        return [], json.loads(said)['error'] if said.startswith('{') else said
    except OSError as error:
        return [], str(error)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def find_mistakes(base):
    until = time.monotonic() + 60
    while not (scraped := ask(base, 'count_over_time(uringproxy_ready[10s]) >= 5')[0]):
        if time.monotonic() > until:
            yield 'it scraped nothing: %s %s' % (asked[:5], ask(base, 'up'))
            return
        time.sleep(0.1)
    if scraped[0]['metric']['job'] != 'uringproxy':
        yield 'another job: %s' % scraped
    for title, query in queries():
        result, error = ask(base, query)
        if error:
            yield '%s: %s: %s' % (title, query, error)
        elif not result and not re.search(r'[=>] ?[01]$', query):
            yield '%s: %s: no series' % (title, query)
    with urllib.request.urlopen(base + '/api/v1/rules', timeout=10) as answer:
        for group in json.load(answer)['data']['groups']:
            for rule in group['rules']:
                if rule['health'] == 'err':
                    yield '%s: %s' % (rule['name'], rule['lastError'])


def main():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = os.path.join(folder, 'prometheus.yml')
    with open(config, 'w') as file:
        json.dump({'global': {'scrape_interval': '200ms', 'scrape_timeout': '200ms',
                              'evaluation_interval': '200ms'},
                   'rule_files': [os.path.abspath(rules)],
                   'scrape_configs': [{'job_name': 'uringproxy', 'static_configs': [
                       {'targets': ['127.0.0.1:%d' % server.server_port]}]}]}, file)
    listen = '127.0.0.1:%d' % free_port()
    with open(os.path.join(folder, 'prometheus.log'), 'w') as log:
        prometheus = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', 'prometheus', '--config.file=' + config,
             '--web.listen-address=' + listen,
             '--storage.tsdb.path=' + os.path.join(folder, 'data')], stdout=log, stderr=log)
    try:
        mistakes = list(find_mistakes('http://' + listen))
    finally:
        prometheus.terminate()
        prometheus.wait()
    if not any(asked):
        mistakes.append('it never asked for OpenMetrics')
    print(*mistakes, sep='\n', end='')
    return 1 if mistakes else 0


sys.exit(main())
