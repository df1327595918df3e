package pm_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	pmv1 "pm.example/gen/go/pm/v1"
	"pm.example/go/pm"
)

func connected() (context.Context, *pm.Client) {
	ctx := context.Background()
	client, err := pm.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	return ctx, client
}

// A database, and a web server that waits until it is ready.
func ExampleClient_ApplyProject() {
	ctx, client := connected()
	defer client.Close()
	shop := &pmv1.ApplyProjectRequest{
		Name: "shop",
		Processes: []*pmv1.ProjectProcess{
			{Name: "db", Spec: &pmv1.ProcessSpec{
				Executable: "sh",
				Args:       []string{"-c", "echo listening; exec sleep 1000"},
				Readiness: &pmv1.Probe{Check: &pmv1.Probe_Output{
					Output: &pmv1.OutputCheck{Pattern: "listening"},
				}},
			}},
			{Name: "web", Spec: &pmv1.ProcessSpec{
				Executable: "sleep",
				Args:       []string{"1000"},
				Restart:    &pmv1.RestartPolicy{Mode: pmv1.RestartMode_RESTART_MODE_ALWAYS},
				DependsOn: []*pmv1.Dependency{
					{Process: "db", Condition: pmv1.DependencyCondition_DEPENDENCY_CONDITION_READY},
				},
			}},
		},
	}
	applied, err := client.ApplyProject(ctx, shop)
	if err == nil {
		err = applied.Err()
	}
	if err != nil {
		log.Fatal(err)
	}
	web, err := client.Process(ctx, "web")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := web.WaitUntilReady(ctx); err != nil {
		log.Fatal(err)
	}
	project, err := client.Project(ctx, "shop")
	if err != nil {
		log.Fatal(err)
	}
	for _, member := range project.GetMembers() {
		fmt.Println(member.GetName(), member.GetState())
	}
	if _, err := client.RemoveProject(ctx, &pmv1.RemoveProjectRequest{Name: "shop"}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// db PROCESS_STATE_RUNNING
	// web PROCESS_STATE_RUNNING
}

// A job at half past two each night.
func ExampleClient_SetSchedule() {
	ctx, client := connected()
	defer client.Close()
	schedule, job, err := client.SetSchedule(ctx, &pmv1.SetScheduleRequest{
		Schedule: &pmv1.Schedule{
			Name:     "nightly",
			Timing:   &pmv1.Schedule_Cron{Cron: "30 2 * * *"},
			TimeZone: "Europe/Berlin",
		},
		Template: &pmv1.StartProcessRequest{Name: "backup", Spec: &pmv1.ProcessSpec{Executable: "true"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(schedule.GetNextTime().AsTime().After(time.Now()))
	// Not until then:
	if schedule, err = client.TriggerSchedule(ctx, "nightly"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(schedule.GetLastResult())
	end, _, err := job.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("exit code", end.GetCode())
	if err := client.RemoveSchedule(ctx, "nightly"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// true
	// SCHEDULE_RESULT_STARTED
	// exit code 0
}

// Two at a time, and no more.
func ExampleClient_SetQueue() {
	ctx, client := connected()
	defer client.Close()
	request := &pmv1.SetQueueRequest{Name: "encode", Parallelism: proto.Uint32(2)}
	if _, err := client.SetQueue(ctx, request); err != nil {
		log.Fatal(err)
	}
	var jobs []*pm.Process
	for range 3 {
		job, err := client.Start(ctx, &pmv1.ProcessSpec{Executable: "sleep", Args: []string{"1000"}, Queue: "encode"})
		if err != nil {
			log.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	queue, err := client.Queue(ctx, "encode")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(queue.GetRunning()), "run,", queue.GetWaitingCount(), "waits")
	for _, job := range jobs {
		if err := job.Remove(ctx, true); err != nil {
			log.Fatal(err)
		}
	}
	if err := client.RemoveQueue(ctx, "encode"); err != nil {
		log.Fatal(err)
	}
	// Output: 2 run, 1 waits
}

// A process that is started again when it fails, at most five times in a minute.
func ExampleProcess_WaitUntilReady() {
	ctx, client := connected()
	defer client.Close()
	process, err := client.Start(ctx, &pmv1.ProcessSpec{
		Executable: "sh",
		Args:       []string{"-c", "echo ready; exec sleep 1000"},
		Restart: &pmv1.RestartPolicy{
			Mode:        pmv1.RestartMode_RESTART_MODE_ON_FAILURE,
			MaxAttempts: proto.Uint32(5),
			Window:      durationpb.New(time.Minute),
		},
		Readiness: &pmv1.Probe{Check: &pmv1.Probe_Output{Output: &pmv1.OutputCheck{Pattern: "ready"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ready, err := process.WaitUntilReady(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ready.GetSupervision().GetReadiness())
	if err := process.Remove(ctx, true); err != nil {
		log.Fatal(err)
	}
	// Output: READINESS_READY
}
