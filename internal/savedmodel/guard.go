package savedmodel

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// UnsafeError says which operation a model would run that touches files,
// network, processes or code outside the graph, and how it is reached. It wraps
// ErrUnsafe. It names no file of this machine.
type UnsafeError struct {
	Entry     string   // what runs it: `signature "serving_default"`
	Op        string   // "ReadFile"
	Effect    string   // "reads files"
	Node      string   // the node in the innermost function, or in the graph
	Functions []string // the functions it lies in, outermost first
}

func (e *UnsafeError) Error() string { return e.Reason() + ": " + e.advice() }

// Reason is the error without what to do about it, for models that were let in.
func (e *UnsafeError) Reason() string {
	place := fmt.Sprintf("node %q", e.Node)
	if len(e.Functions) > 0 {
		place += " in function " + strings.Join(e.Functions, " > ")
	}
	return fmt.Sprintf("%s runs %s, which %s (%s)", e.Entry, e.Op, e.Effect, place)
}

// advice tells what can be allowed from what cannot run here whatever is allowed.
func (e *UnsafeError) advice() string {
	switch {
	case e.Effect == string(unknownOp):
		return "it cannot run here, where no libraries of custom operations are loaded: export the model without it"
	case slices.Contains(pythonOps, e.Op):
		return "it cannot run here, where there is no Python: export the model without it, or set MODEL_ALLOW_UNSAFE_OPS=true to serve what else the model has"
	}
	return "set MODEL_ALLOW_UNSAFE_OPS=true if you trust this model"
}

// Unwrap makes errors.Is(err, ErrUnsafe) work.
func (e *UnsafeError) Unwrap() error { return ErrUnsafe }

// Guard decides which parts of a graph may run. A graph is a program, so a
// model from elsewhere could read, write or send what the function can. The
// guard refuses operations that do so, where they can be reached from what
// loading the model or a request would run.
//
// Reaching follows data and control inputs and every function that a node
// mentions. It does not stop at a signature's inputs: a client may leave one
// out. The whole body of a function counts as reached, since TensorFlow runs
// what is stateful there whether anything needs it or not.
//
// A Guard is not changed once made and is safe for concurrent use.
type Guard struct {
	graph      *Graph
	entries    []entry
	serve      *reach
	signatures map[string][]string // what each signature fetches
	state      func() *reach       // to what writes state; made when first asked for
}

// entry is something that is run: the tensors it feeds, and the tensors or nodes
// it fetches.
type entry struct {
	name    string
	feeds   []string
	fetches []string
	reach   *reach
}

// Guard judges the meta graph: its signatures; its init op, which may also
// initialise tables from files that are assets of the model; and its restore
// op, which may also restore variables. What only the save op reaches is never
// run.
func (m *MetaGraph) Guard() *Guard {
	c := newCalls(m.Graph)
	t := &tracer{calls: c, assets: localAssets(m.Assets)}
	gd := newGuard(t)
	gd.signatures = m.fetched
	for _, name := range slices.Sorted(maps.Keys(m.Signatures)) {
		gd.entries = append(gd.entries, entry{fmt.Sprintf("signature %q", name), m.fed[name], m.fetched[name], gd.serve})
	}
	inits := slices.DeleteFunc(slices.Sorted(maps.Values(m.inits)), func(op string) bool { return op == "" })
	gd.entries = append(gd.entries, entry{"the init op", nil, inits, newReach(c, t.cachesInMemory, t.initialisesFromAsset)})
	if m.Saver.Restore != "" {
		gd.entries = append(gd.entries, entry{"the restore op", nil, []string{m.Saver.Restore}, newReach(c, t.cachesInMemory, restores)})
	}
	return gd
}

// Guard judges a frozen graph by the outputs of its signature; s may be nil,
// for Fetch alone.
func (g *Graph) Guard(s *infer.Signature) *Guard {
	t := &tracer{calls: newCalls(g)}
	gd := newGuard(t)
	if s == nil {
		return gd
	}
	e := entry{name: fmt.Sprintf("signature %q", s.Name), feeds: tensors(s.Inputs), fetches: tensors(s.Outputs), reach: gd.serve}
	gd.entries = append(gd.entries, e)
	gd.signatures = map[string][]string{s.Name: e.fetches}
	return gd
}

func tensors(infos []infer.TensorInfo) []string {
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Tensor
	}
	return names
}

func newGuard(t *tracer) *Guard {
	return &Guard{
		graph: t.graph,
		serve: newReach(t.calls, t.cachesInMemory),
		state: sync.OnceValue(func() *reach { return reachOf(t.calls, t.writers) }),
	}
}

// WritesState reports whether a call of the signature may change what later
// calls see: a variable, a table, a queue.
func (gd *Guard) WritesState(signature string) bool {
	return slices.ContainsFunc(gd.signatures[signature], func(tensor string) bool {
		return gd.state().holds(producer(tensor))
	})
}

// Check is nil when loading the model and calling any of its signatures is
// safe, else an *UnsafeError about the first that is not. An entry that names
// what the graph does not have, or in a way that TensorFlow might read
// otherwise, cannot be judged: the error then wraps ErrTensor.
func (gd *Guard) Check() error {
	for _, e := range gd.entries {
		for _, tensor := range e.feeds {
			if _, _, err := gd.graph.output(tensor); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
		for _, tensor := range e.fetches {
			if err := gd.judge(e.name, e.reach, tensor); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fetch is nil when computing any output of the operation is safe, else an
// *UnsafeError, or an error that wraps ErrTensor where there is no such
// operation. Where MODEL_ANY_TENSOR lets requests name any tensor, ask it
// before each is handed out: parts of the graph that no signature reaches,
// such as the saver, pass Check. It costs two map look-ups.
func (gd *Guard) Fetch(operation string) error {
	return gd.judge(fmt.Sprintf("operation %q", producer(operation)), gd.serve, operation)
}

func (gd *Guard) judge(entry string, r *reach, tensor string) error {
	n, _, err := gd.graph.output(tensor)
	if err != nil {
		return fmt.Errorf("%s: %w", entry, err)
	}
	if err := r.unsafe(n.Name); err != nil {
		err.Entry = entry
		return err
	}
	return nil
}

// localAssets are the tensors that TensorFlow feeds with a path inside the
// model's assets folder. TensorFlow joins the names unchecked, so one with ".."
// would lead out of it.
func localAssets(assets []Asset) map[string]bool {
	tensors := make(map[string]bool)
	for _, a := range assets {
		local := a.File != "" && !path.IsAbs(a.File) && path.Clean(a.File) == a.File &&
			a.File != ".." && !strings.HasPrefix(a.File, "../") && !strings.ContainsAny(a.File, "\\\x00")
		tensor := infer.TensorName(a.Tensor)
		was, seen := tensors[tensor]
		tensors[tensor] = local && (was || !seen)
	}
	return tensors
}
