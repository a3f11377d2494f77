// Prints the results of the public HTTP cache tests as a table by group, and each test that did not pass:
// `node table.mjs SUITE NAME=RESULTS.json..`.

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [suite, ...columns] = process.argv.slice(2)
const load = async path => import(pathToFileURL(`${suite}/${path}`))
const { default: groups } = await load('tests/index.mjs')
const { determineTestResult, resultTypes } = await load('test-engine/lib/results.mjs')

const runs = columns.map(column => {
  const [name, file] = column.split('=')
  return { name, results: JSON.parse(readFileSync(file)) }
})
const tests = groups.flatMap(group => group.tests.map(test => ({ ...test, kind: test.kind ?? 'required', group: group.id })))
const judged = tests.filter(test => !test.browser_only)
const passes = (test, { results }) => [resultTypes.pass, resultTypes.yes].includes(determineTestResult(groups, test.id, results, false))

const kinds = ['required', 'optimal', 'check']
const count = (run, select) => `${select.filter(test => passes(test, run)).length}/${select.length}`
const cell = (run, select) => kinds.map(kind => select.filter(test => test.kind === kind)).map(some => (some.length ? count(run, some) : '')).join(' | ')

console.log(`| group | ${runs.map(run => kinds.map(kind => `${run.name}: ${kind}`).join(' | ')).join(' | ')} |`)
console.log(`|---|${'---|'.repeat(kinds.length * runs.length)}`)
for (const { id } of groups) {
  const select = judged.filter(test => test.group === id)
  if (select.length) console.log(`| ${id} | ${runs.map(run => cell(run, select)).join(' | ')} |`)
}
console.log(`| all | ${runs.map(run => cell(run, judged)).join(' | ')} |`)

for (const run of runs) {
  for (const kind of kinds.slice(0, 2)) {
    console.log(`\n${run.name}, ${kind}, not passed:`)
    for (const test of judged.filter(test => test.kind === kind && !passes(test, run))) {
      const [error, detail] = [run.results[test.id]].flat()
      console.log(`  ${test.group}/${test.id}: ${error ?? 'not run'}${detail ? `: ${detail}` : ''}`)
    }
  }
}
