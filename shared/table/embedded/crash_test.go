package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

// crashDir tells a re-run of this test binary that it is the process to kill.
const crashDir = "APPENGINE_TABLE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashWriter(dir, os.Getenv(crashDir+"_ROUND")); err != nil {
			fmt.Println("error", err)
		}
		return
	}
	os.Exit(m.Run())
}

// crashWriter writes with 16 goroutines until it is killed, and prints each key
// after its write was acknowledged.
func crashWriter(dir, round string) error {
	e, err := embedded.Open(dir, embedded.Options{Now: time.Now})
	if err != nil {
		return err
	}
	lines := make(chan string, 1024)
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			for i := 0; ; i++ {
				sort := fmt.Sprintf("%s-%d-%d", round, worker, i)
				if err := crashWrite(e, sort, worker, i); err != nil {
					lines <- "error " + err.Error()
					return
				}
				lines <- sort
			}
		})
	}
	for line := range lines {
		if _, err := fmt.Println(line); err != nil {
			return err
		}
	}
	return nil
}

// crashWrite is a put, or now and then a transaction of a put and a counter.
func crashWrite(e *embedded.Engine, sort string, worker, i int) error {
	op := put(sort, fmt.Sprintf(`{"n":%d,"text":%q}`, i, strings.Repeat("x", 400)))
	op.Item.Index = map[string]string{table.By1: fmt.Sprintf("acme#%d", worker), table.Ord1: sort}
	op.If = table.ItemMissing{}
	if i%4 != 0 {
		_, err := e.Write(context.Background(), op)
		return err
	}
	return e.Transact(context.Background(), sort, op, table.Modify{
		Key:    table.Key{Part: "acme#count", Sort: fmt.Sprint(worker)},
		Add:    []table.Increment{{Path: table.At("n"), By: 1}},
		Upsert: true,
	})
}

// What was acknowledged before a SIGKILL under load is there afterwards, whole:
// item, index rows, and exactly one change.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 3 {
		for _, key := range crash(t, dir, round) {
			acknowledged[key] = true
		}
	}
	if len(acknowledged) < 100 {
		t.Fatalf("only %d writes were acknowledged; the test shows nothing", len(acknowledged))
	}
	e := openDisk(t, dir)
	stored := verifyItems(t, e, acknowledged)
	verifyStream(t, e, stored)
	t.Logf("%d writes acknowledged, %d found", len(acknowledged), len(stored))
}

// crash runs the writer, kills it at a random moment, and returns what it
// acknowledged.
func crash(t *testing.T, dir string, round int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s_ROUND=%d", crashDir, round))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		if len(keys) == 0 { // under load from now on
			time.AfterFunc(time.Duration(100+rand.IntN(200))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		if strings.HasPrefix(scanner.Text(), "error") {
			t.Error(scanner.Text())
		}
		keys = append(keys, scanner.Text())
	}
	_ = cmd.Wait() // killed
	return keys
}

// verifyItems checks items against both indexes and returns all sort keys.
func verifyItems(t *testing.T, e *embedded.Engine, acknowledged map[string]bool) map[string]bool {
	t.Helper()
	stored := queryAll(t, e, table.Query{Part: "acme#p"})
	for key := range acknowledged {
		if !stored[key] {
			t.Errorf("%s was acknowledged and is lost", key)
		}
	}
	indexed := 0
	counted := 0
	for worker := range 16 {
		for key := range queryAll(t, e, table.Query{Part: fmt.Sprintf("acme#%d", worker), Index: table.By1}) {
			indexed++
			if !stored[key] {
				t.Errorf("%s is in the index only", key)
			}
		}
		item, err := e.Get(t.Context(), table.Key{Part: "acme#count", Sort: fmt.Sprint(worker)})
		if err != nil {
			continue // this worker did not get that far
		}
		var count struct{ N int }
		if err := item.Doc.Decode(&count); err != nil {
			t.Fatal(err)
		}
		counted += count.N
	}
	transactions := transacted(t, stored)
	if ordered := len(queryAll(t, e, table.Query{Part: "acme#p", Index: table.Ord1})); indexed != len(stored) || ordered != len(stored) {
		t.Errorf("%d items, %d and %d index rows", len(stored), indexed, ordered)
	}
	if counted != transactions {
		t.Errorf("counters say %d, there are %d items of transactions", counted, transactions)
	}
	return stored
}

// transacted counts the items that were written in a transaction.
func transacted(t *testing.T, stored map[string]bool) int {
	t.Helper()
	n := 0
	for key := range stored {
		var round, worker, i int
		if _, err := fmt.Sscanf(key, "%d-%d-%d", &round, &worker, &i); err != nil {
			t.Fatal(err)
		}
		if i%4 == 0 {
			n++
		}
	}
	return n
}

func queryAll(t *testing.T, e *embedded.Engine, q table.Query) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for {
		page, err := e.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			keys[item.Sort] = true
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return keys
		}
	}
}

func verifyStream(t *testing.T, e *embedded.Engine, stored map[string]bool) {
	t.Helper()
	all, _ := changes(t, e, "")
	seen := map[string]int{}
	last := ""
	for _, c := range all {
		if c.ID <= last {
			t.Fatalf("change %s comes after %s", c.ID, last)
		}
		last = c.ID
		if c.Key.Part == "acme#p" {
			seen[c.Key.Sort]++
		}
	}
	for key := range stored {
		if seen[key] != 1 {
			t.Errorf("%s has %d changes", key, seen[key])
		}
	}
	if len(seen) != len(stored) {
		t.Errorf("%d items, changes of %d", len(stored), len(seen))
	}
}
