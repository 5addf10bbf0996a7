// The functions that the bench measures: noop, getput, read n, write n, range n, fill n.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type bench struct{}

var value = bytes.Repeat([]byte("v"), 100)

func keyOf(i int) string { return fmt.Sprintf("key%06d", i) }

func (bench) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

func (bench) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	name, args := stub.GetFunctionAndParameters()
	n := 0
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0])
	}
	if err := run(stub, name, n); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(nil)
}

func run(stub shim.ChaincodeStubInterface, name string, n int) error {
	switch name {
	case "noop":
		return nil
	case "getput":
		if _, err := stub.GetState(keyOf(n)); err != nil {
			return err
		}
		return stub.PutState(keyOf(n), value)
	case "read":
		for i := 0; i < n; i++ {
			if _, err := stub.GetState(keyOf(i)); err != nil {
				return err
			}
		}
		return nil
	case "write", "fill":
		for i := 0; i < n; i++ {
			if err := stub.PutState(keyOf(i), value); err != nil {
				return err
			}
		}
		return nil
	case "range":
		rows, err := stub.GetStateByRange(keyOf(0), keyOf(n))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.HasNext() {
			if _, err := rows.Next(); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("no function %s", name)
}

func main() {
	if err := shim.Start(bench{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
