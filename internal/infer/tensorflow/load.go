package tensorflow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/tensorlambda/tensorlambda/internal/infer"
	"github.com/tensorlambda/tensorlambda/internal/savedmodel"
)

// start is what is run before a graph of a SavedModel can answer, and what that needs:
// the work of LoadSavedModel in tensorflow/cc/saved_model/loader.cc. TensorFlow's own
// loader reads the model once more than there is need for, writes it out again for its
// caller, and the binding reads that: for a model that is all constants, half of its
// load.
type start struct {
	dir    string // of the SavedModel
	saver  savedmodel.Saver
	initOp string
	assets []savedmodel.Asset
	idle   string // a node that needs nothing, "" where there is none
}

// load makes a session that is ready.
func (d *Definition) load() (*tf.Graph, *tf.Session, error) {
	if d.frozen { // what freezes a graph has inlined what it calls
		return d.open(rewrites{optimize: d.optimize})
	}
	// A signature that Keras exports is a function that calls functions. Inlined,
	// its first run takes a third of the time, and each later one of a small model
	// a quarter less.
	graph, session, err := d.open(rewrites{inline: true, optimize: d.optimize})
	if errors.Is(kinds[statusCode(err)], infer.ErrInvalidArgument) {
		// TensorFlow then asks for a kernel of every operation at once. One that
		// it lacks, a PyFunc in a signature that nobody calls, is no reason not to
		// serve the others.
		return d.open(rewrites{optimize: d.optimize})
	}
	return graph, session, err
}

func (d *Definition) open(r rewrites) (*tf.Graph, *tf.Session, error) {
	options, err := d.opts.session(r)
	if err != nil {
		return nil, nil, err
	}
	graph := tf.NewGraph()
	if err := graph.Import(d.graph, ""); err != nil {
		return nil, nil, err
	}
	session, err := tf.NewSession(graph, options)
	if err != nil {
		return nil, nil, err
	}
	if err := d.start.run(graph, session); err != nil {
		session.Close() // which is not what is wrong
		return nil, nil, err
	}
	return graph, session, nil
}

// run restores the variables and runs the init op, both with the paths of assets, as
// TensorFlow does. Where there is neither, something else is run: a session takes in its
// graph with the first run, and a graph that it refuses is to fail the load.
func (s *start) run(graph *tf.Graph, session *tf.Session) error {
	feeds := make(map[tf.Output]*tf.Tensor)
	for _, asset := range s.assets {
		if err := feedPath(graph, feeds, asset.Tensor, filepath.Join(s.dir, "assets", asset.File)); err != nil {
			return fmt.Errorf("asset: %w", err)
		}
	}
	restores, err := s.restores()
	if err != nil {
		return err
	}
	if restores {
		withFile := make(map[tf.Output]*tf.Tensor, len(feeds)+1)
		for output, value := range feeds {
			withFile[output] = value
		}
		if err := feedPath(graph, withFile, s.saver.Filename, filepath.Join(s.dir, "variables", "variables")); err != nil {
			return fmt.Errorf("restore variables: %w", err)
		}
		if err := target(graph, session, withFile, s.saver.Restore); err != nil {
			return fmt.Errorf("restore variables: %w", err)
		}
	}
	switch {
	case s.initOp != "":
		if err := target(graph, session, feeds, s.initOp); err != nil {
			return fmt.Errorf("init op: %w", err)
		}
	case !restores && s.idle != "":
		return target(graph, session, nil, s.idle)
	}
	return nil
}

// restores reports whether the model has variables in files.
func (s *start) restores() (bool, error) {
	if s.saver.Restore == "" {
		return false, nil
	}
	_, err := os.Stat(filepath.Join(s.dir, "variables", "variables.index"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// feedPath feeds a path to a tensor, "operation" or "operation:index".
func feedPath(graph *tf.Graph, feeds map[tf.Output]*tf.Tensor, tensor, path string) error {
	if !strings.Contains(tensor, ":") {
		tensor += ":0"
	}
	endpoint, err := find(graph, tensor)
	if err != nil {
		return err
	}
	value, err := tf.NewTensor(path)
	if err != nil {
		return err
	}
	feeds[endpoint] = value
	return nil
}

func target(graph *tf.Graph, session *tf.Session, feeds map[tf.Output]*tf.Tensor, name string) error {
	operation := graph.Operation(name)
	if operation == nil {
		return infer.Errorf(infer.ErrInvalidArgument, "the graph has no operation %q", name)
	}
	_, err := session.Run(feeds, nil, []*tf.Operation{operation})
	return err
}
