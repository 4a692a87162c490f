// Package coldstart turns a process without a model into one with a model: it
// runs the steps of a start side by side as far as they can, keeps the one model
// of the process, and reports how the time went.
//
// The steps are functions that the caller supplies, so this package needs
// neither the TensorFlow library nor the AWS SDK.
package coldstart
