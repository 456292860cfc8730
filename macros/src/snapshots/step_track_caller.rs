#[track_caller]
fn find(at: usize) -> Result<u32, Missing> {
    ::candor::__private::site!(step "find", []);
    let mut __step = ::candor::__private::StepGuard::enter(&__SITE)
        .unobserved(::candor::__private::unobserved!(Result < u32, Missing >));
    let __value: Result<u32, Missing> = {
        let () = ();
        if at == 0 {
            {
                let __value: Result<u32, Missing> = Err(Missing);
                #[allow(unreachable_code)]
                {
                    __step
                        .read(
                            &__value,
                            |__value| {
                                ::candor::__private::call_result!(__value)
                                    .with_answer(::candor::__private::error_answer!(__value))
                            },
                        );
                    return __value;
                }
            };
        }
        look(at)
    };
    #[allow(unreachable_code)]
    {
        __step
            .read(
                &__value,
                |__value| {
                    ::candor::__private::call_result!(__value)
                        .with_answer(::candor::__private::error_answer!(__value))
                },
            );
        return __value;
    }
}
